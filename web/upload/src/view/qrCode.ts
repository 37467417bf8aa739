import qrcode from "qrcode-generator";

const svgSpace = "http://www.w3.org/2000/svg";

/** A QR code as SVG: one path for all dark modules. */
export function drawQrCode(content: string, label: string): SVGElement {
  const code = qrcode(0, "L");
  code.addData(content, "Byte");
  code.make();
  const count = code.getModuleCount();
  let path = "";
  for (let row = 0; row < count; row++)
    for (let column = 0; column < count; column++)
      if (code.isDark(row, column)) path += `M${column} ${row}h1v1h-1z`;
  const svg = document.createElementNS(svgSpace, "svg");
  svg.setAttribute("viewBox", `0 0 ${count} ${count}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  svg.setAttribute("shape-rendering", "crispEdges");
  const dark = document.createElementNS(svgSpace, "path");
  dark.setAttribute("d", path);
  dark.setAttribute("fill", "#000");
  svg.appendChild(dark);
  return svg;
}
