"""Procedures of the simulated one-stop shops.

Codes and promised times look like those of the national database of procedures; they are examples, not its content.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class PublicService:
    """An administrative procedure (thủ tục).

    `promised` is in working days (0: the same day), `share` is that of all dossiers of its office, `fee` is in đồng.
    `office` is the code of the department, empty for a procedure of every commune.
    """

    code: str
    name: str
    department: str
    promised: int
    share: float
    fee: int
    fully_online: bool
    office: str = ""


COMMUNE_PROCEDURES = (
    PublicService("2.000815", "Chứng thực bản sao từ bản chính", "tư pháp", 0, 0.30, 8000, False),
    PublicService("2.000884", "Chứng thực chữ ký", "tư pháp", 0, 0.09, 10000, False),
    PublicService("2.000635", "Cấp bản sao trích lục hộ tịch", "tư pháp", 1, 0.11, 8000, True),
    PublicService("1.004873", "Cấp giấy xác nhận tình trạng hôn nhân", "tư pháp", 3, 0.07, 0, True),
    PublicService("1.001193", "Đăng ký khai sinh", "tư pháp", 1, 0.06, 0, True),
    PublicService("2.000986", "Liên thông đăng ký khai sinh, cư trú, thẻ bảo hiểm y tế", "tư pháp", 4, 0.04, 0, True),
    PublicService("1.000894", "Đăng ký kết hôn", "tư pháp", 2, 0.03, 0, True),
    PublicService("1.000656", "Đăng ký khai tử", "tư pháp", 1, 0.02, 0, True),
    PublicService("1.004222", "Đăng ký thường trú", "cư trú", 7, 0.07, 20000, True),
    PublicService("1.004194", "Đăng ký tạm trú", "cư trú", 3, 0.06, 15000, True),
    PublicService("1.001776", "Thực hiện trợ cấp xã hội hàng tháng", "văn hóa - xã hội", 10, 0.03, 0, True),
    PublicService("1.001731", "Hỗ trợ chi phí mai táng", "văn hóa - xã hội", 7, 0.01, 0, True),
    PublicService("1.001612", "Đăng ký hộ kinh doanh", "kinh tế", 3, 0.03, 100000, True),
    PublicService("1.012779", "Đăng ký biến động quyền sử dụng đất", "đất đai", 10, 0.05, 50000, False),
    PublicService(
        "1.012753", "Đăng ký, cấp giấy chứng nhận quyền sử dụng đất lần đầu", "đất đai", 20, 0.02, 100000, False
    ),
    PublicService("1.009994", "Cấp giấy phép xây dựng nhà ở riêng lẻ", "xây dựng", 15, 0.01, 75000, True),
)
OFFICE_PROCEDURES = (
    PublicService("1.010194", "Cấp giấy phép lao động cho người nước ngoài", "nội vụ", 5, 0.35, 400000, True, "H57.02"),
    PublicService("1.010833", "Giải quyết chế độ người có công", "nội vụ", 12, 0.65, 0, False, "H57.02"),
    PublicService(
        "2.001583", "Đăng ký thành lập công ty TNHH một thành viên", "kinh tế", 3, 0.45, 50000, True, "H57.04"
    ),
    PublicService(
        "2.002041", "Đăng ký thay đổi nội dung đăng ký doanh nghiệp", "kinh tế", 3, 0.55, 50000, True, "H57.04"
    ),
    PublicService("2.000033", "Thông báo hoạt động khuyến mại", "công thương", 5, 0.6, 0, True, "H57.05"),
    PublicService(
        "2.000591", "Chứng nhận đủ điều kiện an toàn thực phẩm", "công thương", 15, 0.4, 700000, True, "H57.05"
    ),
    PublicService("1.012783", "Cấp đổi giấy chứng nhận quyền sử dụng đất", "đất đai", 10, 0.7, 100000, False, "H57.06"),
    PublicService("1.010733", "Cấp giấy phép môi trường", "môi trường", 20, 0.3, 1000000, False, "H57.06"),
    PublicService("1.002877", "Cấp phù hiệu xe kinh doanh vận tải", "giao thông", 2, 0.7, 0, True, "H57.07"),
    PublicService("1.009974", "Cấp giấy phép xây dựng công trình", "xây dựng", 15, 0.3, 150000, True, "H57.07"),
    PublicService("1.005092", "Cấp bản sao văn bằng từ sổ gốc", "giáo dục", 1, 0.8, 3000, True, "H57.11"),
    PublicService("1.004889", "Công nhận bằng do nước ngoài cấp", "giáo dục", 15, 0.2, 250000, True, "H57.11"),
    PublicService("1.012259", "Cấp giấy phép hành nghề khám bệnh, chữa bệnh", "y tế", 20, 0.5, 430000, True, "H57.12"),
    PublicService("1.002600", "Công bố sản phẩm mỹ phẩm", "y tế", 3, 0.5, 500000, True, "H57.12"),
)
PROCEDURES = (*COMMUNE_PROCEDURES, *OFFICE_PROCEDURES)
