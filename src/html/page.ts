// SPDX-License-Identifier: Apache-2.0
// The frame of HTML reports: one file that asks for nothing from outside, runs no script, follows the reader's
// light or dark, and prints. Well-formed as XML too, so that a strict parser can hold it to that.
import { printable } from '../diagnostics/printable.js';
import { xml } from './xml-text.js';

/** Markup, as apart from text that is still to be escaped. */
export interface Html {
  readonly html: string;
}

type Part = string | number | Html | readonly Part[];

/** A template whose inserted strings are escaped, and made one readable line each. */
export function safe(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return { html: strings.map((text, i) => text + (i < parts.length ? markup(parts[i]!) : '')).join('') };
}

function markup(part: Part): string {
  if (typeof part === 'string') return xml(printable(part));
  if (typeof part === 'number') return String(part);
  return 'html' in part ? part.html : part.map(markup).join('');
}

/** Text with code between backticks, as our own notes have it. */
export function prose(text: string): Html[] {
  return text.split('`').map((piece, i) => (i % 2 === 1 ? safe`<code>${piece}</code>` : safe`${piece}`));
}

/** Nothing without rows. */
export function section(title: string, rows: readonly unknown[], body: Part): Html {
  return rows.length === 0
    ? safe``
    : safe`<section>
        <h2>${title}</h2>
        ${body}
      </section> `;
}

export function list(items: readonly Part[]): Html {
  return safe`<ul>
    ${items.map((item) => safe`<li>${item}</li>`)}
  </ul>`;
}

export function table(head: readonly string[], rows: readonly (readonly Part[])[]): Html {
  return safe`<div class="wide">
    <table>
      <thead>
        <tr>
          ${head.map((name) => safe`<th>${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (cells) =>
            safe`<tr>
              ${cells.map((cell) => safe`<td>${cell}</td>`)}
            </tr> `,
        )}
      </tbody>
    </table>
  </div>`;
}

/** Figures with their names, in a row. */
export function figures(pairs: readonly (readonly [name: string, value: string | number])[]): Html {
  return safe`<dl class="figures">
    ${pairs.map(
      ([name, value]) =>
        safe`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}

/** `good`: the colour of the headline. */
export function page(
  title: string,
  headline: { readonly text: Part; readonly good: boolean },
  body: Part,
): string {
  return safe`<!DOCTYPE html>
    <html lang="en" xmlns="http://www.w3.org/1999/xhtml">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <style>
          ${{ html: STYLE }}
        </style>
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          <p class="${headline.good ? 'headline good' : 'headline bad'}">${headline.text}</p>
          ${body}
        </main>
      </body>
    </html> `.html;
}

const STYLE = `
:root { color-scheme: light dark; --text: #1d2329; --dim: #5b6670; --back: #fff; --soft: #f3f5f7; --line: #d8dee4;
  --good: #10693b; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e3e8ec; --dim: #9aa6b1; --back: #14181c; --soft: #1e242a; --line: #353e47; --good: #6fce97;
    --bad: #ff9a8f; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 70rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.6rem; margin: 0 0 .75rem; }
h2 { font-size: 1.15rem; margin: 2.25rem 0 .6rem; padding-bottom: .25rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.5rem 0 .4rem; }
p, ul, ol { margin: .4rem 0; }
ul, ol { padding-left: 1.4rem; }
code, pre { font: .86em/1.45 ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
code { background: var(--soft); border-radius: 3px; padding: .05em .3em; }
.headline { padding: .7rem 1rem; border-left: 4px solid; background: var(--soft); font-weight: 600; }
.good { color: var(--good); } .bad { color: var(--bad); } .dim { color: var(--dim); }
.figures { display: flex; flex-wrap: wrap; gap: .6rem; margin: 1rem 0; }
.figures div { background: var(--soft); border-radius: 6px; padding: .5rem .9rem; min-width: 7rem; }
.figures dt { color: var(--dim); font-size: .85rem; } .figures dd { margin: 0; font-size: 1.25rem; font-weight: 600; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid var(--line); }
th { color: var(--dim); font-weight: 600; }
td:first-child { white-space: nowrap; }
td code { background: none; padding: 0; }
tr.differs td { background: var(--soft); font-weight: 600; }
@media print {
  :root { color-scheme: light; --text: #000; --dim: #444; --back: #fff; --soft: #fff; --line: #bbb; --good: #000;
    --bad: #000; }
  body { font-size: 10pt; } main { max-width: none; padding: 0; } .wide { overflow: visible; }
  tr { break-inside: avoid; } h2, h3 { break-after: avoid; } thead { display: table-header-group; }
}
`;
