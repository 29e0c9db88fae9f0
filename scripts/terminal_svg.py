"""Draws text as a terminal window in SVG, for the README.

usage: some command | python3 scripts/terminal_svg.py "command shown in the title" > docs/demo.svg
"""

import html
import re
import sys

title = sys.argv[1]
lines = [line.rstrip("\n") for line in sys.stdin]
WIDTH, HEIGHT, PAD, BAR = 7.85, 18, 18, 34
columns = max((len(line) for line in lines), default=1)
width = round(columns * WIDTH + 2 * PAD)
height = len(lines) * HEIGHT + 2 * PAD + BAR
print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{html.escape(title)}">')
print(f'<rect width="{width}" height="{height}" rx="8" fill="#14171c"/>')
print(f'<rect width="{width}" height="{BAR}" rx="8" fill="#262b33"/>')
for place, colour in enumerate(["#ff5f57", "#febc2e", "#28c840"]):
    print(f'<circle cx="{20 + 20 * place}" cy="{BAR / 2}" r="6" fill="{colour}"/>')
print('<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace" font-size="13" fill="#e6e6e6">')
print(f'<text x="{width / 2}" y="{BAR / 2 + 4}" text-anchor="middle" fill="#9aa4b2">{html.escape(title)}</text>')
for row, line in enumerate(lines):
    y = BAR + PAD + HEIGHT * row + 12
    # Every word at its own place, so that columns stand whatever font there is.
    for word in re.finditer(r"\S+( \S+)*", line):
        x = round(PAD + WIDTH * word.start(), 1)
        length = round(WIDTH * len(word.group()), 1)
        text = html.escape(word.group())
        print(f'<text x="{x}" y="{y}" xml:space="preserve" textLength="{length}" lengthAdjust="spacingAndGlyphs">{text}</text>')
print("</g></svg>")
