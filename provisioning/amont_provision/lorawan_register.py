"""Register a site's nodes at ChirpStack 4 over its API; needs the extra ``[chirpstack]``.

What is there already is brought up to date, so the same command may be given again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from amont_provision.texts import Refused

TOKEN = "AMONT_CHIRPSTACK_TOKEN"  # the variable's name, not the token
LIMIT_S = 10.0
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
Json = dict[str, Any]


class ChirpStack:
    """The API of one server."""

    def __init__(self, address: str, token: str) -> None:
        """Take http://HOST:PORT or https://HOST:PORT and an API key; raise Refused."""
        try:
            import grpc
            from chirpstack_api import api
        except ImportError:
            raise Refused("lorawan-extra") from None
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or parts.hostname is None:
            raise Refused("lorawan-address", address=address)
        if not token:
            raise Refused("lorawan-token", name=TOKEN)
        secure = parts.scheme == "https"
        if not secure and parts.hostname not in _LOOPBACK:  # AppKeys travel on it
            raise Refused("lorawan-clear", address=address)
        self._grpc, self._api, self._address = grpc, api, address
        self._metadata = (("authorization", f"Bearer {token}"),)
        target = f"{parts.hostname}:{parts.port or (443 if secure else 8080)}"
        self._channel = (
            grpc.secure_channel(target, grpc.ssl_channel_credentials())
            if secure
            else grpc.insecure_channel(target)
        )
        self._devices = api.DeviceServiceStub(self._channel)
        self._profiles = api.DeviceProfileServiceStub(self._channel)

    def register(self, requests: Json, told: Callable[[int], None]) -> str:
        """Do what ``lorawan_export.chirpstack`` made; return the profile's id; raise Refused.

        ``told`` is called with how many devices are done.
        """
        profile = self._profile(requests["deviceProfile"]) if "deviceProfile" in requests else ""
        for done, one in enumerate(requests["devices"], 1):
            device = {**one["device"]}
            device["deviceProfileId"] = device["deviceProfileId"] or profile
            self._put(self._devices, "Device", "", {"device": device})
            self._put(self._devices, "DeviceKeys", "Keys", {"deviceKeys": one["deviceKeys"]})
            told(done)
        return profile

    def close(self) -> None:
        """Give the connection back."""
        self._channel.close()

    def _profile(self, wanted: Json) -> str:
        """Return the id of the tenant's profile of that name, made or brought up to date."""
        asked = self._api.ListDeviceProfilesRequest(
            limit=100, search=wanted["name"], tenant_id=wanted["tenantId"]
        )
        for one in self._call(self._profiles.List, asked).result:
            if one.name == wanted["name"]:
                request = self._request("UpdateDeviceProfile", {"deviceProfile": wanted})
                request.device_profile.id = one.id
                self._call(self._profiles.Update, request)
                return str(one.id)
        request = self._request("CreateDeviceProfile", {"deviceProfile": wanted})
        return str(self._call(self._profiles.Create, request).id)

    def _put(self, service: Any, kind: str, verb: str, content: Json) -> None:
        try:
            made = self._request(f"Create{kind}", content)
            self._call(
                getattr(service, f"Create{verb}"), made, self._grpc.StatusCode.ALREADY_EXISTS
            )
        except FileExistsError:
            changed = self._request(f"Update{kind}", content)
            self._call(getattr(service, f"Update{verb}"), changed)

    def _request(self, name: str, content: Json) -> Any:
        from google.protobuf.json_format import ParseDict

        return ParseDict(content, getattr(self._api, f"{name}Request")())

    def _call(self, method: Any, request: Any, there: Any = None) -> Any:
        try:
            return method(request, metadata=self._metadata, timeout=LIMIT_S)
        except self._grpc.RpcError as error:
            if there is not None and error.code() == there:
                raise FileExistsError from None
            why = f"{error.code().name}: {error.details()}"
            raise Refused("lorawan-server", address=self._address, why=why) from None
