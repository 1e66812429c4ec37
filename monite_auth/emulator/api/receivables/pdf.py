"""Writes a PDF of one page with lines of text: enough to be opened, shown and printed."""

from collections.abc import Sequence

#: Points: the size of A4, the left edge and the first line, and the distance of lines.
WIDTH, HEIGHT, LEFT, TOP, LEADING = 595, 842, 56, 780, 16
#: How many lines fit.
MOST = 44


def pdf(lines: Sequence[str]) -> bytes:
    """Return a PDF with these lines. Letters that Windows-1252 does not have become question marks."""
    shown = [*lines[:MOST], "…"] if len(lines) > MOST else lines
    text = b"\n".join(b"(" + _escaped(line) + b") Tj T*" for line in shown)
    content = b"BT /F1 11 Tf %d TL %d %d Td\n%b\nET" % (LEADING, LEFT, TOP, text)
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents 4 0 R" % (WIDTH, HEIGHT)
        + b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    )
    result, places = b"%PDF-1.4\n", []
    for number, each in enumerate(objects, start=1):
        places.append(len(result))
        result += b"%d 0 obj\n%b\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, len(result))
    return result + b"xref\n0 %d\n0000000000 65535 f \n%b" % (count, table) + trailer


def _escaped(line: str) -> bytes:
    text = line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return text.replace("\n", " ").replace("\r", " ").encode("cp1252", "replace")
