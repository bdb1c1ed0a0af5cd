"""Procedures of the simulated one-stop shops. Codes and promised times are in the manner of the national database of
procedures; they are examples, not its content."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Procedure:
    """`promised` in working days (0: the same day), `share` of all dossiers, `fee` in đồng."""

    code: str
    name: str
    department: str
    promised: int
    share: float
    fee: int
    fully_online: bool


PROCEDURES = (
    Procedure("2.000815", "Chứng thực bản sao từ bản chính", "tư pháp", 0, 0.30, 8000, False),
    Procedure("2.000884", "Chứng thực chữ ký", "tư pháp", 0, 0.09, 10000, False),
    Procedure("2.000635", "Cấp bản sao trích lục hộ tịch", "tư pháp", 1, 0.11, 8000, True),
    Procedure("1.004873", "Cấp giấy xác nhận tình trạng hôn nhân", "tư pháp", 3, 0.07, 0, True),
    Procedure("1.001193", "Đăng ký khai sinh", "tư pháp", 1, 0.06, 0, True),
    Procedure("2.000986", "Liên thông đăng ký khai sinh, cư trú, thẻ bảo hiểm y tế", "tư pháp", 4, 0.04, 0, True),
    Procedure("1.000894", "Đăng ký kết hôn", "tư pháp", 2, 0.03, 0, True),
    Procedure("1.000656", "Đăng ký khai tử", "tư pháp", 1, 0.02, 0, True),
    Procedure("1.004222", "Đăng ký thường trú", "cư trú", 7, 0.07, 20000, True),
    Procedure("1.004194", "Đăng ký tạm trú", "cư trú", 3, 0.06, 15000, True),
    Procedure("1.001776", "Thực hiện trợ cấp xã hội hàng tháng", "văn hóa - xã hội", 10, 0.03, 0, True),
    Procedure("1.001731", "Hỗ trợ chi phí mai táng", "văn hóa - xã hội", 7, 0.01, 0, True),
    Procedure("1.001612", "Đăng ký hộ kinh doanh", "kinh tế", 3, 0.03, 100000, True),
    Procedure("1.012779", "Đăng ký biến động quyền sử dụng đất", "đất đai", 10, 0.05, 50000, False),
    Procedure("1.012753", "Đăng ký, cấp giấy chứng nhận quyền sử dụng đất lần đầu", "đất đai", 20, 0.02, 100000, False),
    Procedure("1.009994", "Cấp giấy phép xây dựng nhà ở riêng lẻ", "xây dựng", 15, 0.01, 75000, True),
)
