"""What some settings must look like."""

import ipaddress
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator


def _check_place(url: str) -> str:
    """Refuse a URL without a bucket, and one that holds credentials: it stands in logs and on pages."""
    where = urlsplit(url)
    if "@" in where.netloc:
        raise ValueError("give credentials as AWS clients find them, not in the URL, which is shown")
    if where.scheme == "s3" and not where.netloc:
        raise ValueError("name a bucket: s3://bucket/prefix")
    return url


def _check_addresses(addresses: str) -> str:
    for part in addresses.split(","):
        if part.strip():
            ipaddress.ip_network(part.strip(), strict=False)
    return addresses


def names_file(backbone: str) -> bool:
    """Tell whether the setting ``backbone`` is the path of a file, not the name of a network."""
    return "/" in backbone or backbone.endswith(".model")


AbsolutePath = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]
Place = Annotated[str, AfterValidator(_check_place)]
Addresses = Annotated[str, AfterValidator(_check_addresses)]
