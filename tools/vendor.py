"""`make vendor`: static/vendor, the icon sprite and axe-core are exactly what the pinned packages hold.

Needs npm, and only for whoever updates a pin. A test re-hashes every vendored file against sri.json.
"""

import base64
import hashlib
import json
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parent.parent
VENDOR = ROOT / "static" / "vendor"
AXE = ROOT / "tests" / "data" / "axe"

# package@exact version -> paths in the package; an unpinned htmx.org would be version 4
FILES = {
    "htmx.org@2.0.11": ("dist/htmx.min.js",),
    "bootstrap@5.3.8": ("dist/css/bootstrap.min.css",),
    "dejavu-fonts-ttf@2.37.3": ("ttf/DejaVuSans.ttf",),  # for PDFs; browsers use their own fonts
    "leaflet@1.9.4": ("dist/leaflet.js", "dist/leaflet.css"),  # the Map tab only
}
AXE_PACKAGE = "axe-core@4.14.1"
ICON_PACKAGE = "@tabler/icons@3.51.0"
ICONS = """
    activity adjustments-horizontal alert-triangle arrow-back-up arrow-left arrow-right arrow-up-right
    battery-charging bell bolt building building-bank building-store calendar charging-pile check chevron-down
    chevron-right chevron-up circle-check circle-dashed circle-x clock cloud-off cloud-upload coin columns-3 copy cpu
    credit-card current-location database device-ipad dots download external-link eye file-spreadsheet file-text filter
    flag gauge help-circle history home hourglass id info-circle key lifebuoy link list-check lock lock-open logout mail
    map-pin map-2 menu-2 message-circle moon nfc pencil photo player-pause player-play plug plug-connected plus
    power printer qrcode receipt receipt-2 receipt-refund refresh report-money search selector send settings
    shield-check square star sun terminal-2 tool trash unlink upload user users wallet wifi-off world x
""".split()  # noqa: SIM905  (a hundred quotes would hide the names)


def unpack(package: str, into: Path) -> Path:
    """The package's files lie under the returned folder."""
    listing = subprocess.run(  # noqa: S603
        ["npm", "pack", "--json", "--pack-destination", str(into), package],  # noqa: S607
        check=True,
        capture_output=True,
        text=True,
    )
    archive = into / json.loads(listing.stdout)[0]["filename"]
    target = archive.with_suffix("")
    with tarfile.open(archive) as tar:
        tar.extractall(target, filter="data")
    return target / "package"


def integrity(content: bytes) -> str:
    return "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode()


def copy_licence(package: str, source: Path, into: Path) -> None:
    name, version = package.rsplit("@", 1)
    licence = next(path for path in sorted(source.iterdir()) if path.name.upper().startswith("LICENSE"))
    text = licence.read_text().replace("\r\n", "\n")
    (into / f"{name.strip('@').replace('/', '-')}-{version}.txt").write_text(text)


def sprite(source: Path) -> str:
    """One symbol for each outline, without sizes and colours of its own."""
    symbols = []
    for name in sorted(ICONS):
        tree = ElementTree.parse(source / "icons" / "outline" / f"{name}.svg")  # noqa: S314  (a pinned package)
        shapes = [shape for shape in tree.getroot() if shape.get("d") != "M0 0h24v24H0z"]
        body = "".join(ElementTree.tostring(shape, "unicode") for shape in shapes)
        body = body.replace(' xmlns:ns0="http://www.w3.org/2000/svg"', "").replace("ns0:", "").replace(" />", "/>")
        body = re.sub(r">\s+", ">", body)
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{body}</symbol>')
    note = f"<!-- Outlines from Tabler Icons {ICON_PACKAGE.rsplit('@', 1)[1]}, MIT licence: vendor/licences. -->"
    return "\n".join(['<svg xmlns="http://www.w3.org/2000/svg">', note, *symbols, "</svg>", ""])


def main() -> None:
    licences = VENDOR / "licences"
    licences.mkdir(parents=True, exist_ok=True)
    AXE.mkdir(parents=True, exist_ok=True)
    hashes = {}
    with tempfile.TemporaryDirectory() as folder:
        for package, paths in FILES.items():
            source = unpack(package, Path(folder))
            for path in map(Path, paths):
                content = (source / path).read_bytes()
                (VENDOR / path.name).write_bytes(content)
                hashes[path.name] = {"package": package, "integrity": integrity(content)}
            copy_licence(package, source, licences)
        icons = unpack(ICON_PACKAGE, Path(folder))
        (ROOT / "static" / "icons.svg").write_text(sprite(icons))
        copy_licence(ICON_PACKAGE, icons, licences)
        axe = unpack(AXE_PACKAGE, Path(folder))
        (AXE / "axe.min.js").write_bytes((axe / "axe.min.js").read_bytes())
        copy_licence(AXE_PACKAGE, axe, AXE)
    (VENDOR / "sri.json").write_text(json.dumps(hashes, indent=2) + "\n")


if __name__ == "__main__":
    main()
