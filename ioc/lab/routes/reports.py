"""/api/v1/reports: periodic reports."""

from fastapi import APIRouter

from ioc.lab.parts import LabParts


def routes(parts: LabParts) -> APIRouter:  # noqa: ARG001 - filled by and by
    return APIRouter(tags=["reports"])
