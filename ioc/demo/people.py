"""Make one account per role, so that a newcomer can look at the demonstration as each of them."""

from ioc.errors import ConfigurationInvalid
from ioc.model.person import Role
from ioc.people import People
from ioc.settings import Settings, secret_file

_FULL_NAMES = {
    Role.VIEWER: "Lãnh đạo (mô phỏng)",
    Role.OPERATOR: "Cán bộ trực ban (mô phỏng)",
    Role.ANALYST: "Chuyên viên phân tích (mô phỏng)",
    Role.ADMIN: "Quản trị (mô phỏng)",
}
_NAMES = {Role.VIEWER: "lanhdao", Role.OPERATOR: "trucban", Role.ANALYST: "phantich", Role.ADMIN: "quantri"}


def demonstration_accounts(settings: Settings) -> list[tuple[Role, str, str]]:
    """Return (role, name, password) of each account, made at the first call; passwords are kept in files of mode 600.

    Passwords differ between centres. An account that exists already, perhaps with a changed password, is left alone.
    """
    people = People.open(settings.people_path)
    known = {person.name for person in people.accounts.all()}
    accounts = []
    for role, name in _NAMES.items():
        password = secret_file(settings.data_dir / "demo" / f"{name}.password")
        if name not in known:
            try:
                people.accounts.add(name, _FULL_NAMES[role], role, password)
            except ConfigurationInvalid:
                continue  # another process has made it in the meantime
        accounts.append((role, name, password))
    return accounts
