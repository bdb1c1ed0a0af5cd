"""Which passwords are refused, and why."""

import pytest

from ioc.errors import ConfigurationInvalid
from ioc.people.passwords import check_password


@pytest.mark.parametrize(
    ("password", "says"),
    [
        pytest.param("short", "12 to 256", id="short"),
        pytest.param("x" * 257, "12 to 256", id="long"),
        pytest.param("aaaaaaaaaaaa", "repeats itself", id="twelve equal letters"),
        pytest.param("abcabcabcabc", "repeats itself", id="a piece over and over"),
        pytest.param("aabbaabbabab", "repeats itself", id="two letters"),
        pytest.param("ÁáÀàẢảÃãẠạAa", "repeats itself", id="one letter with all its marks"),
        pytest.param("123456789012", "tried first", id="digits in order"),
        pytest.param("qwertyuiop12", "tried first", id="the keyboard's row"),
        pytest.param("zyxwvutsrqpo", "tried first", id="the alphabet backwards"),
        pytest.param("Password2026!", "tried first", id="a common word and a year"),
        pytest.param("P@ssw0rd1234", "tried first", id="signs for letters"),
        pytest.param("Matkhau123456", "tried first", id="a common Vietnamese word"),
        pytest.param("quantrivien@2025", "tried first", id="an administrator's"),
        pytest.param("UyBanNhanDan2026", "tried first", id="the office"),
        pytest.param("nguyenthilan1", "account's name", id="the name"),
        pytest.param("NguyễnThịLan!!", "account's name", id="the name with its marks"),
        pytest.param("nguyenthilannguyenthilan", "account's name", id="the name twice"),
    ],
)
def test_refused(password: str, says: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=says) as refused:
        check_password(password, "nguyenthilan")
    assert password not in str(refused.value)


@pytest.mark.parametrize(
    "password",
    [
        "mật khẩu đủ dài",
        "ba con mèo trắng",
        "correct horse battery staple",
        "k7#pQz!m2Lx9",
        "839201746502",
        "lan man cả ngày",
    ],
)
def test_taken(password: str) -> None:
    check_password(password, "lan")
