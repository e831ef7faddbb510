"""What people upload joins the pool under their name: from curl to the campaign's next listing."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import pytest

from catalyst_assets.build import build_defs
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.campaigns.pool import load_pool
from catalyst_assets.campaigns.pool_filter import Pool
from catalyst_assets.commands.driver import LoopDriver
from catalyst_assets.errors import LoopError
from catalyst_assets.ingestion.dropping import drop_files
from catalyst_assets.ingestion.sensors import uploads_sensor
from catalyst_assets.ingestion.uploads.keeping import find_waiting
from catalyst_assets.loop.campaigns import start_campaign
from catalyst_assets_tests.cifs import cif, cubic
from catalyst_assets_tests.integration.dash_app.serving import api_client, bearer
from catalyst_assets_tests.loading import load, query
from resources.object_store import ObjectStore
from resources.platform import Platform

SALT = cif(
    cubic(4.21),
    [("Mg1", "Mg", 0, 0, 0), ("O1", "O", 0.5, 0.5, 0.5)],
    "_symmetry_space_group_name_H-M 'F m -3 m'",
)
POSCAR = """SrTiO3
1.0
3.905 0 0
0 3.905 0
0 0 3.905
Sr Ti O
1 1 3
Direct
0 0 0
0.5 0.5 0.5
0.5 0.5 0
0.5 0 0.5
0 0.5 0.5
"""
CAMPAIGN = Campaign.model_validate(
    {
        "name": "own-candidates",
        "pool": {"source": ["computed_oxides", "uploads"]},
        "criteria": [{"property": "band_gap", "min": 1.5, "max": 3.2}],
        "method": "experiment",
        "acquisition": {"batch_size": 3},
        "initial_batch": 3,
        "test_fraction": 0.0,
        "validator": "laboratory",
        "review": "automatic",
        "stop": {"max_iterations": 2},
    }
)


@pytest.fixture
def api(platform: Platform) -> Iterator[httpx.Client]:
    with api_client(platform.database, platform.settings) as client:
        yield client


def outcomes(upload: dict[str, Any]) -> dict[str, str]:
    return {each["place"]: each["outcome"] for each in upload["candidates"]}


def look(driver: LoopDriver) -> list[dg.RunRequest]:
    """Return what the sensor asks for."""
    definitions = build_defs(platform=driver.platform)
    with dg.build_sensor_context(
        driver.instance, resources={"platform": driver.platform}, definitions=definitions
    ) as context:
        return list(uploads_sensor.evaluate_tick(context).run_requests or [])


@pytest.mark.long
@pytest.mark.usefixtures("own_environment")
@pytest.mark.skipif(not shutil.which("curl"), reason="curl sends the files")
def test_files_sent_by_curl_join_a_campaign_and_are_in_its_next_listing(
    api: httpx.Client, platform: Platform, dagster_instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    for name, text in {"salt.cif": SALT, "POSCAR": POSCAR, "bad.cif": "data_x\n"}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    command = ["curl", "-sf", "-H", f"Authorization: {api.headers['Authorization']}"]
    command += ["-F", "file=@salt.cif", "-F", "file=@POSCAR", "-F", "file=@bad.cif"]
    sent = json.loads(
        subprocess.run(
            [*command, f"{api.base_url}materials/uploads"], cwd=tmp_path, capture_output=True, check=True
        ).stdout
    )
    assert (sent["status"], sent["author"], sent["candidates"]) == ("waiting", "Ada Lovelace", [])
    driver = LoopDriver(platform, dagster_instance)
    (request,) = look(driver)
    assert look(driver) == [request]
    driver.execute("ingest_uploads", tags=request.tags, ops=request.run_config["ops"])
    assert look(driver) == []

    upload = api.get(f"/materials/uploads/{sent['upload_id']}").json()
    assert upload["status"] == "taken"
    assert outcomes(upload) == {"POSCAR": "new", "bad.cif": "refused", "salt.cif": "new"}
    assert "no data block of it lists atoms" in upload["candidates"][1]["reason"]
    first, _, last = upload["candidates"]
    assert [first["material_id"], last["material_id"]] == ["uploads:000001-0001", "uploads:000001-0003"]

    start_campaign(platform.database, CAMPAIGN)
    with pytest.raises(LoopError, match="waits"):
        driver.drive(CAMPAIGN.name)
    listed = api.get("/candidates", params={"campaign": CAMPAIGN.name, "source": "uploads"}).json()
    assert {each["material_id"] for each in listed["items"]} == {first["material_id"], last["material_id"]}
    assert api.get("/candidates", params={"source": "elsewhere"}).json()["items"] == []
    (source,) = api.get(f"/materials/{first['material_id']}").json()["sources"]
    assert (source["author"], source["upload_id"], source["uploaded_as"]) == ("Ada Lovelace", 1, "POSCAR")


def test_the_same_again_changes_nothing_and_what_is_known_is_said_to_be(
    api: httpx.Client, platform: Platform
) -> None:
    files = [("file", ("a.cif", SALT)), ("file", ("b.vasp", POSCAR))]
    first = api.post("/materials/uploads", files=files)
    again = api.post("/materials/uploads", files=files[::-1])
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    others = bearer(platform.database, "Grace Hopper", "review")
    formulas = {"prototype": "cubic_perovskite", "formulas": ["SrTiO3", "BaTiO3", "TiO2"]}
    second = api.post("/materials/uploads", json=formulas, headers=others)
    assert second.status_code == 201
    # A run that was killed before it loaded anything, and one that does it again.
    refresh_uploads(platform, [1, 2])
    assert api.get("/materials/uploads/2").json()["status"] == "waiting"
    with platform.database.transaction() as connection:
        assert find_waiting(connection) == [1, 2]
    refresh_uploads(platform, [1, 2])
    load(platform)
    load(platform, reparse=True)
    with platform.database.transaction() as connection:
        assert find_waiting(connection) == []

    taken = api.get("/materials/uploads/2").json()
    assert outcomes(taken) == {
        "formulas.txt line 1": "known", "formulas.txt line 2": "new", "formulas.txt line 3": "refused",
    }  # fmt: skip
    events = api.get("/events", params={"after": 0, "kind": "upload.*", "follow": False}).text
    assert [line for line in events.splitlines() if line.startswith("event: upload")] == [
        "event: upload.sent", "event: upload.sent", "event: upload.taken", "event: upload.taken",
    ]  # fmt: skip
    known = taken["candidates"][0]["material_id"]
    assert known == api.get("/materials/uploads/1").json()["candidates"][1]["material_id"]
    assert [source["author"] for source in api.get(f"/materials/{known}").json()["sources"]] == [
        "Ada Lovelace", "Grace Hopper",
    ]  # fmt: skip
    with platform.database.transaction() as connection:
        pool = {row["material_id"] for row in load_pool(connection, CAMPAIGN.pool)}
        assert pool == {"uploads:000001-0001", "uploads:000001-0002", "uploads:000002-0002"}
        assert load_pool(connection, Pool(source="computed_oxides")) == []
    page = api.get("/materials/uploads", params={"limit": 1}).json()
    assert [(each["author"], each["n_candidates"]) for each in page["items"]] == [("Grace Hopper", 3)]
    assert [
        each["upload_id"]
        for each in api.get("/materials/uploads", params={"before": page["next"]}).json()["items"]
    ] == [1]

    preview = api.post("/materials/uploads", params={"preview": True}, json=formulas)
    assert (preview.status_code, preview.json()["status"]) == (200, "preview")
    assert outcomes(preview.json()) == outcomes(taken) | {"formulas.txt line 2": "known"}
    assert preview.json()["candidates"][0]["material_id"] == known
    assert api.get("/materials/uploads").json()["items"][0]["upload_id"] == 2

    (raw,) = query(platform, "SELECT raw_file_id FROM raw_files WHERE url = 'uploads:1'")
    drop_files(platform.database, platform.objects, raw)
    assert api.get("/materials/uploads/1").json()["status"] == "dropped"
    back = api.post("/materials/uploads", files=files)
    assert (back.status_code, back.json()["status"], back.json()["upload_id"]) == (201, "waiting", 1)
    ObjectStore(platform.settings.object_store_url).remove(raw_of(platform, 1))
    refresh_uploads(platform, [1])
    gone = api.get("/materials/uploads/1").json()
    assert (gone["status"], "gone or damaged" in gone["problem"]) == ("failed", True)


def test_what_is_no_upload_is_refused_and_nothing_is_kept(api: httpx.Client, platform: Platform) -> None:
    def refused(**sent: Any) -> tuple[int, str]:
        answer = api.post("/materials/uploads", **sent)
        return answer.status_code, answer.json()["detail"]

    assert refused(files={"other": (None, "text")}) == (422, "The form has no file.")
    assert refused(files={"file": ("a.cif", b"")}) == (422, "Every file is empty.")
    assert refused(json={"prototype": "garnet", "formulas": ["SrTiO3"]})[0] == 422
    assert refused(json={"prototype": "rutile", "formulas": ["=1+1"]})[0] == 422
    assert refused(content=b"x", headers={"content-type": "text/html"})[0] == 415
    assert refused(content=b"x", headers={"content-type": "text/plain"})[0] == 422
    assert refused(files={"file": ("a\u202e.cif", b"x")})[0] == 422
    laboratory = bearer(platform.database, "Lab 7", "results")
    assert refused(files={"file": ("a.cif", SALT)}, headers=laboratory)[0] == 403
    assert api.get("/materials/uploads/1").status_code == 404
    assert api.get("/materials/uploads").json() == {"items": [], "next": None}


def refresh_uploads(platform: Platform, upload_ids: list[int]) -> None:
    from catalyst_assets.ingestion.uploads.source import refresh_source
    from catalyst_assets.ingestion.uploads.spec import UploadsConfig

    refresh_source(UploadsConfig(uploads=upload_ids), platform, lambda said: None)


def raw_of(platform: Platform, upload_id: int) -> str:
    from catalyst_assets.ingestion.raw_cache import raw_key

    ((sha256,),) = query(platform, "SELECT sha256 FROM uploads WHERE upload_id = :id", id=upload_id)
    return raw_key(sha256)
