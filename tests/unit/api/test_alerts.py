"""Alerts, silences, rules, routing and incidents through the API."""

from typing import Any

import httpx
import pytest

from ioc.alert_service import external_intake
from tests.support.alert_requests import AS_ADMIN, alertmanager_message, rule_fields, send_request, tick_later
from tests.support.fake_centre import PUSH_TOKEN, FakeParts


@pytest.fixture
def full(parts: FakeParts) -> str:
    """The id of the alert of a full disk."""
    tick_later(parts, disk_free=1, stalled_s=0)
    [alert] = [one for one in parts.alerting.service.state.alerts if one.startswith("disk-full")]
    return alert


async def test_alerts_are_listed_in_our_format_and_in_that_of_prometheus(client: httpx.AsyncClient, full: str) -> None:
    answer = await send_request(client, "GET", "alerts")
    [fired] = [one for one in answer["alerts"] if one["id"] == full]
    assert (fired["severity"], fired["state"], fired["value"], fired["limit"]) == (1, "firing", 1.0, "< 3")
    assert fired["name"]["vi"] == "Đĩa đầy, trung tâm sẽ ngừng ghi"
    [known] = [one for one in answer["data"]["alerts"] if one["labels"]["alertname"] == "disk-full"]
    assert (known["state"], known["value"], known["activeAt"]) == ("firing", "1.000000e+00", fired["activeAt"])
    assert answer["counts"] == {"firing": 1, "pending": 1, "quiet": 0, "unacknowledged": 1}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param("severity=critical", True, id="its severity"),
        pytest.param("severity=low", False, id="another severity"),
        pytest.param("state=firing&kpi=centre.disk_free", True, id="state and KPI"),
        pytest.param('filter=rule%3D~"disk-.*"', True, id="a matcher"),
        pytest.param('filter=alertname%3D"disk-full"', True, id="its name as Alertmanager calls it"),
        pytest.param('filter=rule%3D"other"', False, id="a matcher that does not hold"),
        pytest.param("quiet=true", False, id="it makes noise"),
    ],
)
async def test_filters(client: httpx.AsyncClient, full: str, query: str, found: bool) -> None:
    listed = (await send_request(client, "GET", f"alerts?{query}"))["alerts"]
    assert (full in [one["id"] for one in listed]) is found


async def test_acknowledging_is_once_has_a_person_and_can_be_taken_back(
    client: httpx.AsyncClient, parts: FakeParts, full: str
) -> None:
    [held] = (await send_request(client, "POST", "alerts/acknowledge", {"alerts": [full], "note": "tôi xem"}))["alerts"]
    assert (held["holder"], held["handling"], held["handled"]) == (
        "admin-token",
        "acknowledged",
        "admin-token: tôi xem",
    )
    await send_request(client, "POST", "alerts/acknowledge", {"alerts": [full]}, 409)
    await send_request(client, "POST", "alerts/acknowledge", {"alerts": ["none/46/1"]}, 400)
    [free] = (await send_request(client, "POST", "alerts/unacknowledge", {"alerts": [full]}))["alerts"]
    assert (free["holder"], free["handling"]) == ("", "unacknowledged")
    acts = [(act.act, act.what) for act in parts.people.trail.read()]
    assert acts == [("alert.unacknowledge", full), ("alert.acknowledge", full)]


async def test_a_shelved_alert_is_quiet_until_it_is_taken_back(client: httpx.AsyncClient, full: str) -> None:
    for body, field in (
        ({"why": "sửa đĩa"}, "until"),
        ({"for": "2h"}, "why"),
        ({"for": "31d", "why": "lâu"}, "until"),
        ({"until": "2020-01-01T00:00:00Z", "why": "muộn"}, "until"),
    ):
        fault = await send_request(client, "POST", "alerts/shelve", {"alerts": [full], **body}, 400)
        assert [one["field"] for one in fault["errors"]] == [field]
    [shelved] = (
        await send_request(client, "POST", "alerts/shelve", {"alerts": [full], "for": "2h", "why": "sửa đĩa"})
    )["alerts"]
    assert (shelved["handling"], shelved["quiet"]) == ("shelved", True)
    [back] = (await send_request(client, "POST", "alerts/unshelve", {"alerts": [full]}))["alerts"]
    assert (back["handling"], back["quiet"]) == ("unacknowledged", False)


async def test_an_alerts_life_is_on_record(client: httpx.AsyncClient, parts: FakeParts, full: str) -> None:
    await send_request(client, "POST", "alerts/comment", {"alerts": [full], "text": "đang dọn đĩa"})
    tick_later(parts, 60, disk_free=50)
    found = await send_request(client, "GET", f"alerts/{full}")
    assert [one["kind"] for one in found["transitions"]] == ["firing", "resolved"]
    assert [(one["who"], one["act"], one["text"]) for one in found["acts"]] == [
        ("admin-token", "comment", "đang dọn đĩa")
    ]
    assert found["alert"] is None
    [past] = (await send_request(client, "GET", "alerts/history"))["alerts"]
    assert (past["alert"], past["ended_at"] is not None) == (full, True)
    assert (await send_request(client, "GET", "alerts/audit"))["alerts"] == 1
    assert (await send_request(client, "GET", "alerts/flood"))["flood"] is False
    await send_request(client, "GET", "alerts/none/46/1", status=404)


async def test_a_silence_says_what_it_means_and_ends(client: httpx.AsyncClient, full: str) -> None:
    for body, field in (
        ({"matchers": ["severity=critical"], "why": "x"}, "until"),
        ({"matchers": [], "why": "x", "for": "1h"}, "matchers"),
        ({"matchers": ['severity=""'], "why": "x", "for": "1h"}, "matchers"),
        ({"matchers": ["severity=critical"], "for": "1h"}, "why"),
    ):
        fault = await send_request(client, "POST", "silences", body, 400)
        assert [one["field"] for one in fault["errors"]] == [field]
    assert (await send_request(client, "POST", "silences/check", {"matchers": ["rule=disk-full"]}))["count"] == 1
    made = await send_request(
        client, "POST", "silences", {"matchers": ["rule=disk-full"], "for": "1h", "why": "bảo trì"}, 201
    )
    assert (made["state"], made["alerts"]) == ("holds", [full])
    [quiet] = (await send_request(client, "GET", "alerts?quiet=true"))["alerts"]
    assert quiet["suppression"] == [
        {
            "kind": "silenced_by",
            "of": made["id"],
            "text": "admin-token: bảo trì",
            "texts": {"vi": "admin-token: bảo trì", "en": "admin-token: bảo trì"},
        }
    ]
    assert (await send_request(client, "DELETE", f"silences/{made['id']}"))["state"] == "expired"
    await send_request(client, "DELETE", f"silences/{made['id']}", status=409)
    assert (await send_request(client, "GET", "alerts?quiet=true"))["alerts"] == []
    assert [one["id"] for one in (await send_request(client, "GET", "silences"))["silences"]] == [made["id"]]


async def test_a_rule_is_checked_versioned_and_rolled_back(client: httpx.AsyncClient, parts: FakeParts) -> None:
    for fields, field in (
        (rule_fields(kpi="centre.none"), "kpi"),
        (rule_fields(clears_below=20), "clears_below"),
        (rule_fields(unheard=1), "unheard"),
    ):
        checked = await send_request(client, "POST", "rules/check", {"fields": fields})
        assert (checked["sound"], field in [one["field"] for one in checked["errors"]]) == (False, True)
        await send_request(client, "PUT", "rules/own-lag", {"fields": fields, "why": "thử"}, 400)
    await send_request(client, "PUT", "rules/own-lag", {"fields": rule_fields()}, 400)
    await send_request(client, "PUT", "rules/other", {"fields": rule_fields(), "why": "thử"}, 400)
    assert (await send_request(client, "PUT", "rules/own-lag", {"fields": rule_fields(), "why": "mới"}))["number"] == 1
    tick_later(parts, lag=15)
    assert any(one.startswith("own-lag/46/") for one in parts.alerting.service.state.alerts)
    text = (await send_request(client, "GET", "rules/own-lag"))["text"]
    saved = await send_request(client, "PUT", "rules/own-lag", {"text": text.replace("10", "20"), "why": "cao hơn"})
    assert (saved["number"], saved["rule"]["fields"]["fires_above"]) == (2, 20)
    tick_later(parts, lag=15)
    assert not any(one.startswith("own-lag/46/") for one in parts.alerting.service.state.alerts)
    await send_request(client, "POST", "rules/own-lag/roll-back", {"number": 7, "why": "lùi"}, 400)
    await send_request(client, "POST", "rules/own-lag/roll-back", {"number": 1, "why": "lùi"})
    tick_later(parts, lag=15)
    assert (await send_request(client, "DELETE", "rules/own-lag?why=thôi"))["rule"] is None
    assert not any(one.startswith("own-lag/46/") for one in parts.alerting.service.state.alerts)
    versions = (await send_request(client, "GET", "rules/own-lag/versions"))["versions"]
    assert [(one["number"], one["of"], one["why"]) for one in versions] == [
        (1, 0, "mới"),
        (2, 0, "cao hơn"),
        (3, 1, "lùi"),
        (4, 0, "thôi"),
    ]
    assert versions[1]["difference"] == [{"field": "fires_above", "before": 10, "after": 20}]


async def test_a_rule_of_the_packs_goes_back_to_them(client: httpx.AsyncClient) -> None:
    fields = (await send_request(client, "GET", "rules/disk-full"))["fields"]
    await send_request(client, "PUT", "rules/disk-full", {"fields": fields | {"fires_below": 4}, "why": "sớm hơn"})
    back = await send_request(client, "POST", "rules/disk-full/roll-back", {"number": 0, "why": "như cũ"})
    assert back["rule"]["fields"]["fires_below"] == 3


async def test_a_rule_out_of_service_makes_no_noise(client: httpx.AsyncClient, full: str) -> None:
    await send_request(client, "POST", "rules/disk-full/out-of-service", {"for": "1h"}, 400)
    await send_request(client, "POST", "rules/disk-full/out-of-service", {"for": "1h", "why": "thay đĩa"})
    assert [one["id"] for one in (await send_request(client, "GET", "alerts?quiet=true"))["alerts"]] == [full]
    assert (await send_request(client, "GET", "rules/disk-full"))["out_of_service"]["why"] == "thay đĩa"
    await send_request(client, "DELETE", "rules/disk-full/out-of-service")
    assert (await send_request(client, "GET", "alerts?quiet=true"))["alerts"] == []


async def test_routing_is_shown_tested_and_changed(client: httpx.AsyncClient, parts: FakeParts) -> None:
    present = await send_request(client, "GET", "routing")
    assert (present["route"]["receivers"], present["channels"]) == (["wall"], ["wall"])
    way = await send_request(client, "POST", "routing/test", {"labels": {"severity": "critical"}})
    assert [(one["receiver"], one["channel"]) for one in way["recipients"]] == [("wall", "wall")]
    for text, field in (
        (present["text"].replace('receivers = ["wall"]', 'receivers = ["nobody"]'), "receivers"),
        (present["text"].replace('channels = ["wall"]', 'channels = ["sms"]'), "channels"),
        (present["text"].replace("{kind} lúc", "{kimd} lúc"), "opening.vi"),
        ("route =", "text"),
    ):
        fault = await send_request(client, "PUT", "routing", {"text": text, "why": "thử"}, 400)
        assert any(field in one["field"] for one in fault["errors"]), fault
    changed = present["text"].replace('group_wait = "30s"', 'group_wait = "10s"')
    assert (await send_request(client, "PUT", "routing", {"text": changed, "why": "nhanh"}))["number"] == 2
    after = await send_request(client, "GET", "routing")
    assert (after["route"]["group_wait"], [one["number"] for one in after["versions"]]) == (10.0, [1, 2])
    await send_request(client, "POST", "channels/wall/test")
    await send_request(client, "POST", "channels/sms/test", status=404)
    assert [channel for channel, _ in parts.tried] == ["wall"]


async def test_what_fired_is_planned_for_its_receivers(client: httpx.AsyncClient, parts: FakeParts, full: str) -> None:
    tick_later(parts, 31, disk_free=1)
    [sent] = (await send_request(client, "GET", "deliveries"))["deliveries"]
    assert (sent["channel"], sent["state"], sent["alerts"]) == ("wall", "waiting", [full])
    assert "Nghiêm trọng" in sent["subject"]


async def test_an_incident_from_opening_to_closing(client: httpx.AsyncClient, full: str) -> None:
    await send_request(client, "POST", "incidents", {"title": " ", "alerts": [full]}, 400)
    made = await send_request(client, "POST", "incidents", {"title": "Đĩa đầy", "alerts": [full]}, 201)
    name = made["id"]
    assert (made["severity"], made["procedures"]["disk"]["done"], made["procedures"]["disk"]["steps"]) == (
        "critical",
        0,
        3,
    )

    async def act(word: str, of: str = "", text: str = "", status: int = 200) -> Any:
        return await send_request(
            client, "POST", f"incidents/{name}/acts", {"act": word, "of": of, "text": text}, status
        )

    await act("assign", "lan")
    await act("do_step", "disk/1", "thư mục log")
    await act("do_step", "disk/1", "lần nữa", 400)
    await act("do_step", "disk/9", status=400)
    await act("take_up", "none", status=404)
    await act("close", "whatever", "xong", 400)
    await act("close", "solved", "", 400)
    closed = await act("close", "solved", "đã dọn")
    await act("assign", "hoa", status=409)
    assert [one["act"] for one in closed["timeline"]] == [
        "opened",
        "procedure_taken_up",
        "assigned",
        "step_done",
        "closed",
    ]
    assert closed["procedures"]["disk"]["ticks"]["1"]["by"] == "admin-token"
    exported = await send_request(client, "GET", f"incidents/{name}/export")
    assert ([one["kind"] for one in exported["transitions"]], exported["closing_reason"]) == (["firing"], "solved")
    assert (await send_request(client, "GET", "incidents?state=open"))["incidents"] == []
    assert (await send_request(client, "GET", f"alerts/{full}"))["incidents"] == [name]


async def test_files_of_an_incident(client: httpx.AsyncClient) -> None:
    name = (await send_request(client, "POST", "incidents", {"title": "Ảnh"}, 201))["id"]
    sent = await client.post(f"/api/v1/incidents/{name}/files?name=ảnh.png", content=b"\x89PNG", headers=AS_ADMIN)
    [file] = sent.json()["attachments"]
    got = await client.get(f"/api/v1/incidents/{name}/files/{file['id']}", headers=AS_ADMIN)
    assert (got.content, "attachment" in got.headers["content-disposition"]) == (b"\x89PNG", True)
    large = await client.post(f"/api/v1/incidents/{name}/files?name=x.pdf", content=b"0" * (6 << 20), headers=AS_ADMIN)
    assert large.status_code == 413
    program = await client.post(f"/api/v1/incidents/{name}/files?name=x.exe", content=b"MZ", headers=AS_ADMIN)
    assert (program.status_code, program.json()["errors"][0]["code"]) == (400, "file_type")
    assigned = await send_request(client, "POST", f"incidents/{name}/acts", {"act": "assign", "of": "lan"})
    assert (assigned["assignee"], assigned["timeline"][-1]["act"]) == ("lan", "assigned")
    exported = await send_request(client, "GET", f"incidents/{name}/export")
    assert [one["name"] for one in exported["attachments"]] == ["ảnh.png"]


def told(**counts: int) -> dict[str, Any]:
    """What the sender of a message is told."""
    nothing = {"began": 0, "ended": 0, "updated": 0, "known": 0, "no_room": 0, "rejected": []}
    return nothing | counts


async def test_alerts_of_another_system_live_beside_ours(client: httpx.AsyncClient, parts: FakeParts) -> None:
    tick_later(parts)

    async def push(body: Any, token: str = PUSH_TOKEN) -> httpx.Response:
        head = {"Authorization": f"Bearer {token}"}
        return await client.post("/api/v1/alerts/incoming/demo-push", json=body, headers=head)

    assert (await push(alertmanager_message(), "wrong")).status_code == 401
    assert (await push({"alerts": [{"labels": {}}]})).status_code == 400
    assert (await push(alertmanager_message())).json() == told(began=1)
    assert (await push(alertmanager_message())).json() == told(known=1)
    assert (await push(alertmanager_message(instance="b"))).json() == told(began=1)
    first = (await send_request(client, "GET", "alerts"))["alerts"][0]
    assert (first["name"]["vi"], first["source"], first["severity"]) == ("Máy a không trả lời", "demo-push", 1)
    await send_request(client, "POST", "alerts/acknowledge", {"alerts": [first["id"]]})
    tick_later(parts, 31)
    assert len((await send_request(client, "GET", "deliveries"))["deliveries"]) == 1
    assert (await push(alertmanager_message("resolved"))).json() == told(ended=1)
    assert len((await send_request(client, "GET", "alerts"))["alerts"]) == 1


async def test_two_people_change_a_rule_from_the_same_version(client: httpx.AsyncClient) -> None:
    read = await client.get("/api/v1/rules/disk-low", headers=AS_ADMIN)
    before, fields = read.json()["revision"], read.json()["fields"]
    assert read.headers["ETag"] == f'"{before}"'
    hers = {"fields": fields | {"severity": "low"}, "why": "ít gấp hơn", "revision": before}
    his = {"fields": fields | {"held_for": "1h"}, "why": "hay chập chờn"}
    saved = await send_request(client, "PUT", "rules/disk-low", hers)
    for given, headers in ((his | {"revision": before}, {}), (his, {"If-Match": f'"{before}"'})):
        refused = await client.put("/api/v1/rules/disk-low", json=given, headers=AS_ADMIN | headers)
        told_so = refused.json()
        assert refused.status_code == 409, refused.text
        assert [one["field"] for one in told_so["theirs"]] == ["severity"]
        assert {one["field"] for one in told_so["yours"]} == {"severity", "held_for"}
        assert (told_so["errors"][0]["code"], told_so["errors"][0]["params"]["why"]) == (
            "changed_meanwhile",
            "ít gấp hơn",
        )
        assert told_so["revision"] == saved["rule"]["revision"]
    gone = await client.delete(f"/api/v1/rules/disk-low?why=x&revision={before}", headers=AS_ADMIN)
    back = {"number": 0, "why": "x", "revision": before}
    assert (
        gone.status_code,
        (await send_request(client, "POST", "rules/disk-low/roll-back", back, 409))["status"],
    ) == (
        409,
        409,
    )
    again = his | {"revision": told_so["revision"], "fields": hers["fields"] | {"held_for": "1h"}}
    assert (await send_request(client, "PUT", "rules/disk-low", again))["rule"]["fields"]["severity"] == "low"


async def test_a_new_rule_takes_no_other_ones_id(client: httpx.AsyncClient) -> None:
    fields = (await send_request(client, "GET", "rules/disk-low"))["fields"]
    new = {"fields": fields | {"severity": "low"}, "why": "luật mới", "revision": ""}
    assert (await send_request(client, "PUT", "rules/disk-low", new, 409))["yours"][0]["field"] == "severity"


async def test_two_people_change_routes_and_duty_from_the_same_version(client: httpx.AsyncClient) -> None:
    routing = await send_request(client, "GET", "routing")
    text, before = routing["text"], routing["revision"]
    hers = {"text": text.replace('"30s"', '"10s"'), "why": "nhanh hơn", "revision": before}
    await send_request(client, "PUT", "routing", hers)
    his = {"text": text.replace("Màn hình trung tâm", "Tường"), "why": "tên ngắn", "revision": before}
    refused = await send_request(client, "PUT", "routing", his, 409)
    assert refused["theirs"] == [{"field": "route.group_wait", "before": "30s", "after": "10s"}]
    assert [one["field"] for one in refused["yours"]] == ["receiver[wall].name.vi", "route.group_wait"]
    assert (await send_request(client, "GET", "routing"))["text"] == hers["text"]
    assert (await send_request(client, "PUT", "routing", his | {"revision": refused["revision"]}))["number"] == 3


async def test_a_silence_that_means_nothing_now_says_so(client: httpx.AsyncClient, full: str) -> None:
    wrong = {"matchers": ['rule = "disk-full"', 'unit = "99999"']}
    checked = await send_request(client, "POST", "silences/check", wrong)
    assert (checked["count"], [one["count"] for one in checked["matchers"]]) == (0, [1, 0])
    made = await send_request(client, "POST", "silences", wrong | {"for": "1h", "why": "thử"}, 201)
    assert (made["matches_nothing"], made["alerts"]) == (True, [])
    right = {"matchers": (await send_request(client, "GET", f"alerts/{full}"))["alert"]["matchers"]}
    assert (await send_request(client, "POST", "silences/check", right))["alerts"] == [full]
    made = await send_request(client, "POST", "silences", right | {"for": "1h", "why": "thử"}, 201)
    assert (made["matches_nothing"], made["alerts"]) == (False, [full])


async def test_the_count_before_a_silence_is_what_the_silence_meets(client: httpx.AsyncClient, full: str) -> None:
    """Patterns that a browser's regular expressions read otherwise than RE2 does."""
    for matcher, count in (
        ("unit =~ ^46.*$", 1),
        ("unit =~ ^197.*$", 0),
        (r"unit =~ [\d]+", 1),
        ("unit =~ [[:digit:]]+", 1),
        ("rule =~ [[:digit:]]+", 0),
        (r"rule =~ [a\-z]+", 0),
        (r"rule =~ [a-z\-]+", 1),
        ("rule =~ cpu|disk-full", 1),
        ("rule =~ ^disk-full$|^cpu$", 1),
        ("rule =~ disk", 0),
        ("rule !~ disk", 1),
    ):
        given = {"matchers": [matcher, "rule = disk-full"]}
        shown = await send_request(client, "POST", "silences/check", given)
        made = await send_request(client, "POST", "silences", given | {"for": "1h", "why": "bảo trì"}, 201)
        assert (matcher, shown["count"], len(made["alerts"])) == (matcher, count, count)
        await send_request(client, "DELETE", f"silences/{made['id']}")


async def test_an_alert_names_the_person_behind_the_account(
    client: httpx.AsyncClient, parts: FakeParts, full: str
) -> None:
    parts.alerting.service.full_name = {"admin-token": "Quản trị"}.get  # type: ignore[assignment]
    [held] = (await send_request(client, "POST", "alerts/acknowledge", {"alerts": [full]}))["alerts"]
    assert (held["holder"], held["holder_name"]) == ("admin-token", "Quản trị")


async def test_a_faulty_pattern_is_refused_with_its_place(client: httpx.AsyncClient) -> None:
    given = {"matchers": ["rule = disk-full", "unit =~ 19(7"]}
    [fault] = (await send_request(client, "POST", "silences/check", given, 400))["errors"]
    assert (fault["field"], fault["code"]) == ("matchers", "pattern_unclosed_bracket")
    assert fault["params"] == {"label": "unit", "place": 3, "index": 1}


async def test_an_incoming_message_is_taken_in_part_closed_and_told_of_after_its_end(
    client: httpx.AsyncClient, parts: FakeParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    tick_later(parts)
    head = {"Authorization": f"Bearer {PUSH_TOKEN}"}
    message = alertmanager_message()
    message["alerts"] += [{"labels": {}}, *alertmanager_message(instance="b")["alerts"]]
    answer = await client.post("/api/v1/alerts/incoming/demo-push", json=message, headers=head)
    assert (answer.status_code, answer.json()["began"]) == (200, 2)
    assert [one["index"] for one in answer.json()["rejected"]] == [1]
    monkeypatch.setattr(external_intake, "MAX_OPEN", 2)
    full = await client.post("/api/v1/alerts/incoming/demo-push", json=alertmanager_message(instance="c"), headers=head)
    assert (full.status_code, full.headers["Retry-After"]) == (503, "60")
    name = (await send_request(client, "GET", "alerts"))["alerts"][0]["id"]
    await send_request(client, "POST", "alerts/close", {"alerts": [name], "why": ""}, 400)
    left = await send_request(client, "POST", "alerts/close", {"alerts": [name], "why": "máy đã thanh lý"})
    assert left["counts"]["firing"] == 1
    ended = await send_request(client, "GET", f"alerts/{name}")
    assert ended["incoming"]["annotations"] == {"summary": "Máy a không trả lời"}
    assert ended["transitions"][-1]["reason"] == "admin-token: máy đã thanh lý"
    tick_later(parts)
    past = (await send_request(client, "GET", "alerts/history?from=2020-01-01T00:00:00Z"))["alerts"]
    assert {one["alert"]: one.get("name", {}).get("vi") for one in past}[name] == "Máy a không trả lời"
