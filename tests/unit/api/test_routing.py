"""Faults with codes, the tester, the table of duty, channels and messages sent again, as the console asks for them."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from ioc.clock import FixedClock
from ioc.model.person import Role
from tests.support.alert_requests import AS_ADMIN, alertmanager_message, rule_fields, send_request, tick_later
from tests.support.fake_centre import PUSH_TOKEN, FakeParts

ROUTING: dict[str, Any] = {
    "person": [
        {"id": "lan", "name": "Lan", "channels": ["wall"]},
        {"id": "minh", "name": "Minh", "channels": ["wall"]},
    ],
    "schedule": [
        {
            "id": "duty",
            "name": {"vi": "Trực ban", "en": "Duty"},
            "otherwise": ["minh"],
            "shift": [{"days": ["mon", "tue"], "since": "07:00", "until": "19:00", "people": ["lan"]}],
            "exception": [
                {
                    "since": "2026-11-24T08:00:00+07:00",
                    "until": "2026-11-24T12:00:00+07:00",
                    "people": ["minh"],
                    "why": "họp",
                }
            ],
        }
    ],
    "receiver": [
        {"id": "wall", "name": {"vi": "Màn hình", "en": "Wall"}, "channels": ["wall"]},
        {"id": "duty", "name": {"vi": "Trực ban", "en": "Duty"}, "schedule": "duty"},
    ],
    "route": {
        "receivers": ["wall"],
        "route": [
            {
                "id": "grave",
                "matchers": ["severity=critical"],
                "escalation": [{"after": "10m", "receivers": ["duty"]}],
            }
        ],
    },
    "inhibition": [
        {"id": "disk", "source": ["rule=disk-full"], "target": ["rule=worker-gone"], "equal": ["unit"]},
        {"id": "ours", "source": ["rule=disk-full"], "target": ["alertname=HostSlow"], "equal": ["unit"]},
        {"id": "theirs", "source": ["alertname=HostDown"], "target": ["rule=ledger-unbalanced"], "equal": ["unit"]},
        {"id": "among", "source": ["alertname=HostDown"], "target": ["alertname=ServiceDown"], "equal": ["instance"]},
    ],
}
DEAD_HOOK = '[[channel]]\nid = "hook"\nwebhook = "http://127.0.0.1:1/secret-path"\ntoken = "hidden"\n'


@pytest.mark.parametrize(
    ("change", "field", "code", "params"),
    [
        pytest.param({"clears_below": 9000}, "clears_below", "clears_wrong_side", {"given": 9000}, id="wrong side"),
        pytest.param({"kpi": "air.pm25_meen"}, "kpi", "unknown_kpi", {"given": "air.pm25_meen"}, id="no such KPI"),
        pytest.param({"severity": "hihg"}, "severity", "none_of", {"nearest": "high"}, id="no severity"),
        pytest.param({"held_for": "1 hour"}, "held_for", "no_length", {"given": "1 hour"}, id="no length"),
        pytest.param({"hold": "5m"}, "hold", "unknown_field", {"given": "hold"}, id="a field that is none"),
        pytest.param({"name": {"vi": "x"}}, "name.en", "language_missing", {"language": "en"}, id="one language"),
        pytest.param({"units": ["1"]}, "units", "unknown_unit", {"given": "1"}, id="no unit"),
    ],
)
async def test_faults_of_a_rule(
    client: httpx.AsyncClient, change: dict[str, Any], field: str, code: str, params: dict[str, Any]
) -> None:
    fields = {**rule_fields(), **change}
    checked = await send_request(client, "POST", "rules/check", {"fields": fields})
    [fault] = [one for one in checked["errors"] if one["field"] == field]
    assert fault["code"] == code
    assert {**fault["params"], **params} == fault["params"]
    refused = await send_request(client, "PUT", f"rules/{fields['id']}", {"fields": fields, "why": "thử"}, 400)
    assert fault in refused["errors"], "what is refused says the same"


async def test_text_that_is_no_toml_says_where(client: httpx.AsyncClient) -> None:
    checked = await send_request(client, "POST", "rules/check", {"text": 'id = "a"\nkpi = = 3\n'})
    [fault] = checked["errors"]
    assert (fault["field"], fault["code"]) == ("text", "not_toml")
    assert (fault["params"]["line"], fault["params"]["column"]) == (2, 7)


async def test_every_rule_of_the_packs_goes_through_form_and_text_unchanged(
    client: httpx.AsyncClient, parts: FakeParts
) -> None:
    for known in parts.alerting.service.in_force.rules.fields.values():
        as_text = await send_request(client, "POST", "rules/check", {"fields": dict(known)})
        as_fields = await send_request(client, "POST", "rules/check", {"text": as_text["text"]})
        assert as_fields["fields"] == known
        assert (as_fields["sound"], as_fields["text"]) == (True, as_text["text"])


async def test_a_routing_as_data_is_checked_and_changed(client: httpx.AsyncClient) -> None:
    faulty = {**ROUTING, "route": {"receivers": ["wal"]}}
    checked = await send_request(client, "POST", "routing/check", {"fields": faulty})
    [fault] = checked["errors"]
    assert (fault["field"], fault["code"], fault["params"]["nearest"]) == (
        "route.receivers",
        "unknown_receiver",
        "wall",
    )
    refused = await send_request(client, "PUT", "routing", {"fields": faulty, "why": "thử"}, 400)
    assert refused["errors"] == [fault]
    await send_request(client, "PUT", "routing", {"fields": ROUTING, "why": "lịch trực mới"})
    present = await send_request(client, "GET", "routing")
    assert present["fields"] == ROUTING
    assert (await send_request(client, "POST", "routing/check", {"text": present["text"]}))["fields"] == ROUTING
    assert [one["why"] for one in present["versions"]] == ["Trước lần sửa đầu tiên", "lịch trực mới"]


async def test_the_tester_says_who_when_how_and_what_keeps_it_quiet(
    client: httpx.AsyncClient, parts: FakeParts
) -> None:
    await send_request(client, "PUT", "routing", {"fields": ROUTING, "why": "lịch trực mới"})
    tick_later(parts, disk_free=1, stalled_s=0)
    await send_request(
        client, "POST", "silences", {"matchers": ["rule=worker-gone"], "for": "2h", "why": "bảo trì"}, 201
    )
    await send_request(client, "POST", "rules/worker-gone/out-of-service", {"for": "1h", "why": "thay máy"})
    at = "2026-11-24T00:30:00Z"  # Tuesday, 7:30 in the province
    way = await send_request(client, "POST", "routing/test", {"rule": "worker-gone", "at": at})
    [stop] = way["routes"]
    assert (way["labels"]["rule"], way["labels"]["unit"], stop["route"]) == ("worker-gone", "46", "grave")
    assert (stop["group"], stop["group_wait_s"], stop["repeat_interval_s"]) == ({"rule": "worker-gone"}, 30.0, 14400.0)
    first, second = stop["steps"]
    assert (first["after_s"], [one["id"] for one in first["receivers"]]) == (30.0, ["wall"])
    assert (second["is_escalation"], second["at"]) == (True, "2026-11-24T00:40:00.000Z")
    assert [one["name"] for one in second["receivers"][0]["on_duty"]] == ["Lan"]
    assert [one["kind"] for one in way["suppression"]] == ["inhibited_by"], "the others are over by then"
    now = await send_request(client, "POST", "routing/test", {"rule": "worker-gone"})
    assert {one["kind"] for one in now["suppression"]} == {"silenced_by", "inhibited_by", "out_of_service"}
    [full] = [one for one in parts.alerting.service.state.alerts if one.startswith("disk-full")]
    of_alert = await send_request(client, "POST", "routing/test", {"alert": full})
    assert (of_alert["labels"]["rule"], of_alert["suppression"]) == ("disk-full", [])
    await send_request(client, "POST", "routing/test", {"alert": "gone/46/1"}, 400)
    await send_request(client, "POST", "routing/test", {}, 400)


async def test_the_table_of_duty_names_people_exceptions_and_gaps(client: httpx.AsyncClient) -> None:
    span = {"from": "2026-11-22T17:00:00Z", "to": "2026-11-25T17:00:00Z"}  # Monday to Wednesday
    draft = await send_request(client, "POST", "routing/on-call", {"fields": ROUTING, **span})
    [duty] = draft["schedules"]
    shown = [(one["from"][8:16], one["kind"], one["people"], one["why"]) for one in duty["shifts"]]
    assert shown == [
        ("22T17:00", "otherwise", ["minh"], ""),
        ("23T00:00", "shift", ["lan"], ""),
        ("23T12:00", "otherwise", ["minh"], ""),
        ("24T00:00", "shift", ["lan"], ""),
        ("24T01:00", "exception", ["minh"], "họp"),
        ("24T05:00", "shift", ["lan"], ""),
        ("24T12:00", "otherwise", ["minh"], ""),
    ]
    assert [one["stands_in"] for one in duty["gaps"]] == [["minh"]] * 3
    assert duty["shifts"][-1]["until"] == "2026-11-25T17:00:00.000Z"
    await send_request(client, "PUT", "routing", {"fields": ROUTING, "why": "lịch trực mới"})
    week = await send_request(client, "GET", "routing/on-call?schedule=duty")
    assert (week["from"], week["to"]) == ("2026-11-15T17:00:00.000Z", "2026-11-22T17:00:00.000Z"), (
        "this week, from Monday"
    )
    await send_request(client, "GET", "routing/on-call?schedule=none", status=404)
    await send_request(client, "GET", "routing/on-call?from=2026-01-01T00:00:00Z&to=2026-12-01T00:00:00Z", status=400)


async def test_channels_hide_secrets_and_what_was_given_up_goes_out_again(
    client: httpx.AsyncClient, parts: FakeParts, tmp_path: Path
) -> None:
    (tmp_path / "channels.toml").write_text(DEAD_HOOK, encoding="utf-8")
    hooked = {
        **ROUTING,
        "receiver": [{"id": "wall", "name": {"vi": "x", "en": "x"}, "channels": ["hook"]}, ROUTING["receiver"][1]],
    }
    await send_request(client, "PUT", "routing", {"fields": hooked, "why": "gửi ra ngoài"})
    tick_later(parts, disk_free=1, stalled_s=0)
    tick_later(parts, 40, disk_free=1, stalled_s=0)
    [waiting] = (await send_request(client, "GET", "deliveries?state=waiting&channel=hook"))["deliveries"]
    await send_request(client, "POST", "deliveries/retry", {"deliveries": [waiting["id"]]}, 409)
    parts.alerting.service.store.note_attempt(waiting["id"], 1, parts.clock.now(), "dead", "hook refused it.", None)
    [hook] = [one for one in (await send_request(client, "GET", "channels"))["channels"] if one["id"] == "hook"]
    assert (hook["kind"], hook["to"], hook["used_by"]["receivers"]) == ("webhook", "http://127.0.0.1", ["wall"])
    assert (hook["dead_24h"], hook["waiting"], hook["last_reason"]) == (1, 0, "hook refused it.")
    assert not [secret for secret in ("secret-path", "hidden") if secret in str(hook)]
    again = await send_request(client, "POST", "deliveries/retry", {"channel": "hook"})
    assert again == {"retried": [waiting["id"]]}
    [waits] = (await send_request(client, "GET", "deliveries?state=waiting&channel=hook"))["deliveries"]
    assert (waits["id"], waits["attempts"]) == (waiting["id"], 2)
    assert [one.id for one in parts.alerting.service.store.waiting()] == [waiting["id"]], "also after a restart"
    assert (await send_request(client, "GET", "deliveries?state=dead"))["deliveries"] == []


async def test_alerts_of_other_systems_keep_quiet_and_are_kept_quiet(
    client: httpx.AsyncClient, parts: FakeParts
) -> None:
    await send_request(client, "PUT", "routing", {"fields": ROUTING, "why": "ức chế"})
    tick_later(parts, disk_free=1, stalled_s=0, ledger_faults=2)

    async def push(**labels: str) -> None:
        head = {"Authorization": f"Bearer {PUSH_TOKEN}"}
        answer = await client.post(
            "/api/v1/alerts/incoming/demo-push", json=alertmanager_message(**labels), headers=head
        )
        assert answer.status_code == 200, answer.text

    async def quiet() -> dict[str, str]:
        listed = (await send_request(client, "GET", "alerts"))["alerts"]
        return {
            one["labels"].get("alertname", one["rule"]): one["suppression"][0]["of"].split("/")[0].rpartition(".")[0]
            or one["suppression"][0]["of"].split("/")[0]
            for one in listed
            if one["quiet"]
        }

    await push(alertname="HostSlow")
    assert await quiet() == {"HostSlow": "disk-full"}, "ours keeps theirs quiet"
    await push(alertname="ServiceDown")
    assert "ServiceDown" not in await quiet()
    await push(alertname="HostDown")
    found = await quiet()
    assert found["ledger-unbalanced"] == "demo-push.hostdown", "theirs keeps ours quiet"
    assert found["ServiceDown"] == "demo-push.hostdown", "and each other, where they agree"
    await push(alertname="HostDown", status="resolved")
    assert set(await quiet()) == {"HostSlow"}


async def test_metrics_of_alerts(client: httpx.AsyncClient, parts: FakeParts) -> None:
    tick_later(parts, disk_free=1, stalled_s=0)
    tick_later(parts, 31, disk_free=1, stalled_s=0)
    store = parts.alerting.service.store
    [letter] = store.waiting()
    text = (await client.get("/metrics", headers=AS_ADMIN)).text
    assert 'ioc_alerts{handling="unacknowledged",severity="critical",state="firing"} 1.0' in text
    assert 'ioc_deliveries{channel="wall",state="waiting"} 1.0' in text
    assert ("ioc_notifications_pending 1.0" in text, "ioc_alert_flood 0.0" in text) == (True, True)
    assert "ioc_rule_evaluation_seconds_count 2.0" in text
    store.note_attempt(letter.id, 1, parts.clock.now(), "dead", "refused", None)
    assert "ioc_deliveries_dead 1.0" in (await client.get("/metrics", headers=AS_ADMIN)).text


async def test_full_names(client: httpx.AsyncClient, parts: FakeParts) -> None:
    assert isinstance(parts.clock, FixedClock)
    parts.people.accounts.add("lan", "Nguyễn Thị Lan", Role.OPERATOR, "mật khẩu đủ dài")
    names = (await send_request(client, "GET", "people/names"))["names"]
    assert (names["lan"], "admin-token" in names) == ("Nguyễn Thị Lan", True)
