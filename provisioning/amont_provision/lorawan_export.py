"""Make what a LoRaWAN network server has to know of a site's nodes: devices, keys, profile, codec.

Plain data in the forms that the servers document: requests of ChirpStack 4's API (its protobufs'
JSON, as its REST proxy takes them), and The Things Stack 3's two forms of import. LoRaWAN 1.0.3,
class A, joined over the air: what the RAK3172 speaks.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import Any

from amont_provision import app_key, lorawan_codec
from amont_provision.keyfile import KeyFile
from amont_provision.texts import Refused
from amont_site import Site
from amont_site.lorawan import device_id
from amont_site.model import Node, frame_samples

Json = dict[str, Any]
PROFILE_NAME = "Amont"
TTN_PLAN = "EU_863_870_TTN"  # receives downlinks at SF9 in the second window
_TTN_COLUMNS = (
    "id", "dev_eui", "join_eui", "name", "frequency_plan_id", "lorawan_version",
    "lorawan_phy_version", "app_key", "supports_class_c",
)  # fmt: skip


@dataclass(frozen=True)
class Device:
    """One node as a network server knows it."""

    node: int
    name: str
    dev_eui: str
    join_eui: str
    app_key: str
    pending: bool  # the key is not proved on the board yet

    def __repr__(self) -> str:
        """Leave the key out: a representation may end in a log."""
        return f"Device({self.node}, {self.dev_eui!r})"


def devices(site: Site, keys: KeyFile, wanted: list[int], language: str) -> list[Device]:
    """Return the site's nodes on LoRaWAN, or those wanted of them; raise Refused."""
    carried = {node.id: node for node in site.nodes if node.carrier == "lorawan"}
    if site.lorawan is None or not carried:
        raise Refused("lorawan-none", site=site.id)
    for number in wanted:
        if number not in carried:
            raise Refused("lorawan-not", node=number)
    chosen = [node for node in carried.values() if not wanted or node.id in wanted]
    bare = [node.id for node in chosen if not keys.generation(node.id)]
    if bare:
        code = "lorawan-no-key" if len(bare) < len(chosen) else "lorawan-no-keys"
        raise Refused(code, nodes=", ".join(map(str, bare)))
    return [_device(node, keys, language) for node in chosen]


def _device(node: Node, keys: KeyFile, language: str) -> Device:
    assert node.lorawan is not None, "the site's rules let it pass"
    return Device(
        node.id,
        node.name.fr if language == "fr" else node.name.en,
        node.lorawan.dev_eui,
        node.lorawan.join_eui,
        app_key.of(keys, node.id),
        keys.pending(node.id) is not None,
    )


def files(
    site: Site, found: list[Device], tenant: str, profile: str
) -> dict[str, tuple[bytes, bool]]:
    """Return each file's content by its name, and whether it holds keys."""
    assert site.lorawan is not None, "the caller has devices"
    made: dict[str, tuple[bytes, bool]] = {
        lorawan_codec.FILE: (lorawan_codec.text().encode(), False)
    }
    if site.lorawan.server == "chirpstack":
        requests = chirpstack(site, found, tenant, profile)
        text = json.dumps(requests, indent=1, ensure_ascii=False) + "\n"
        made["chirpstack.json"] = text.encode(), True
    else:
        made["devices.json"] = things_stack_json(found).encode(), True
        made["devices.csv"] = things_stack_csv(found).encode(), True
    return made


def chirpstack(site: Site, found: list[Device], tenant: str, profile: str) -> Json:
    """Return the bodies of CreateDeviceProfile, and of CreateDevice and CreateDeviceKeys."""
    assert site.lorawan is not None, "the caller has devices"
    made: Json = {} if profile else {"deviceProfile": _profile(site, tenant)}
    application = site.lorawan.application
    return made | {
        "devices": [_chirpstack_device(one, site.id, application, profile) for one in found]
    }


def _profile(site: Site, tenant: str) -> Json:
    carried = [node for node in site.nodes if node.carrier == "lorawan"]
    return {
        "tenantId": tenant,
        "name": PROFILE_NAME,
        "description": "Sealed frames; the codec shows their headers",
        "region": "EU868",
        "macVersion": "LORAWAN_1_0_3",
        "regParamsRevision": "A",
        "adrAlgorithmId": "default",
        "supportsOtaa": True,
        "flushQueueOnActivate": True,  # what was sealed before a new session is of no use
        "uplinkInterval": max(node.interval_s * frame_samples(node) for node in carried),
        "payloadCodecRuntime": "JS",
        "payloadCodecScript": lorawan_codec.text(),
    }


def _chirpstack_device(one: Device, site: str, application: str, profile: str) -> Json:
    device = {
        "devEui": one.dev_eui,
        "name": one.name,
        "applicationId": application,
        "deviceProfileId": profile,
        "joinEui": one.join_eui,
        "tags": {"amont_site": site, "amont_node": str(one.node)},
    }
    # of LoRaWAN 1.0 the AppKey stands in the field of the network's root key
    return {"device": device, "deviceKeys": {"devEui": one.dev_eui, "nwkKey": one.app_key}}


def things_stack_json(found: list[Device]) -> str:
    """Return one JSON object a device, as the console and ``ttn-lw-cli`` import them."""
    return "".join(json.dumps(_ttn_device(one), ensure_ascii=False) + "\n" for one in found)


def _ttn_device(one: Device) -> Json:
    return {
        "ids": {
            "device_id": device_id(one.node),
            "dev_eui": one.dev_eui.upper(),
            "join_eui": one.join_eui.upper(),
        },
        "name": one.name,
        "lorawan_version": "MAC_V1_0_3",
        "lorawan_phy_version": "PHY_V1_0_3_REV_A",
        "frequency_plan_id": TTN_PLAN,
        "supports_join": True,
        "root_keys": {"app_key": {"key": one.app_key.upper()}},
        "formatters": {
            "up_formatter": "FORMATTER_JAVASCRIPT",
            "up_formatter_parameter": lorawan_codec.text(),
        },
    }


def things_stack_csv(found: list[Device]) -> str:
    """Return the table that the console imports: semicolons, a header, one device a line."""
    text = io.StringIO()
    table = csv.writer(text, delimiter=";", lineterminator="\n")
    table.writerow(_TTN_COLUMNS)
    for one in found:
        table.writerow((
            device_id(one.node), one.dev_eui.upper(), one.join_eui.upper(), one.name, TTN_PLAN,
            "MAC_V1_0_3", "PHY_V1_0_3_REV_A", one.app_key.upper(), "false",
        ))  # fmt: skip
    return text.getvalue()
