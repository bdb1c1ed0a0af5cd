"""/api/v1/explore: KPIs for those who write no SQL."""

from fastapi import APIRouter

from ioc.lab.parts import LabParts


def routes(parts: LabParts) -> APIRouter:  # noqa: ARG001 - filled by and by
    return APIRouter(tags=["explorer"])
