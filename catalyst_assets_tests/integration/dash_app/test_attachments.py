"""Raw data are kept once under their hash, and read by whoever may read."""

import hashlib

import httpx

from catalyst_assets_tests.integration.dash_app.serving import bearer
from resources.postgres.database import Database


def test_a_file_is_kept_once_and_read_as_it_came(api: httpx.Client, database: Database) -> None:
    data = bytes(range(256)) * 2000
    sha256 = hashlib.sha256(data).hexdigest()
    laboratory = bearer(database, "Lab 7", "results")
    sent = api.post("/attachments", files={"file": ("Spektrum 1.raw", data)}, headers=laboratory)
    assert sent.status_code == 201
    shown = sent.json()
    assert shown["attachment"] == f"/api/v1/attachments/{sha256}"
    assert (shown["name"], shown["size_bytes"], shown["uploaded_by"]) == ("Spektrum 1.raw", 512_000, "Lab 7")
    again = api.post(
        "/attachments?filename=other.bin", content=data, headers={"content-type": "application/octet-stream"}
    )
    assert again.json() == shown

    read = api.get(f"/attachments/{sha256}")
    assert read.content == data
    assert read.headers["content-disposition"] == "attachment; filename*=UTF-8''Spektrum%201.raw"
    assert read.headers["x-content-type-options"] == "nosniff"
    assert api.get(f"/attachments/{'0' * 64}").status_code == 404

    assert api.post("/attachments", content=b"", headers={"content-type": "text/plain"}).status_code == 422
    assert api.post("/attachments", content=b"x", headers={"content-type": "text/html"}).status_code == 415
    hidden = api.post("/attachments", files={"file": ("fdp\u202e.exe", b"x")})
    assert (hidden.status_code, "reverse the direction" in hidden.json()["detail"]) == (422, True)
    reader = bearer(database, "Reader", "read")
    assert api.post("/attachments", files={"file": ("a", b"x")}, headers=reader).status_code == 403
