"""/open: chosen KPIs for anybody."""

from fastapi import APIRouter

from ioc.lab.parts import LabParts


def routes(parts: LabParts) -> APIRouter:  # noqa: ARG001 - filled by and by
    return APIRouter(tags=["open data"])
