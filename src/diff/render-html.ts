// SPDX-License-Identifier: Apache-2.0
// A verification as a page to forward: the data of the JSON report, differences grouped by pair of rules.
import { figures, safe, list, page, prose, section, table, type Html } from '../html/page.js';
import { alignedSteps, count, sideName } from './render-text.js';
import type { Cause, VerifyReport } from './report.js';

export function renderHtml(report: VerifyReport): string {
  const { counts, coverage, causes, apart, packets, left, right } = report;
  const differences =
    counts.different === 0
      ? `No difference in ${count(packets, 'packet')} between ${left} and ${right}.`
      : `${counts.different} of ${count(packets, 'packet')} differ between ${left} and ${right}, for ${count(causes.length, 'pair')} of rules.`;
  const share = coverage.live === 0 ? '' : ` (${((100 * coverage.hit) / coverage.live).toFixed(1)}%)`;
  return page('Verification report', { text: differences, good: report.same }, [
    figures([
      ...Object.entries(counts).filter(([name, n]) => n > 0 || name === 'equal' || name === 'different'),
      ['rules hit', `${coverage.hit} of ${coverage.live}${share}`],
    ]),
    section(
      'Differences by pair of rules',
      causes,
      causes.map((cause, i) => causePart(cause, i + 1, report)),
    ),
    section(
      'Not compared',
      apart,
      table(
        ['Packets', 'Outcome', 'Why', 'First'],
        apart.map(({ outcome, reason, packets: n, first }) => [
          n,
          outcome,
          prose(reason),
          `index ${first.index}${first.packet === '' ? '' : `, ${first.packet}`}`,
        ]),
      ),
    ),
    section('Waivers', report.waivers, list(report.waivers.map((waiver) => safe`<code>${waiver}</code>`))),
    section('Good to know', report.notes, list(report.notes.map(prose))),
    section('Captures', report.captures, list(report.captures.map((name) => safe`<code>${name}</code>`))),
    section(
      'Rules that no packet met',
      coverage.missed,
      table(
        ['Rule', 'Text'],
        coverage.missed.map((rule) => [
          safe`${rule.family} ${rule.table}/${rule.chain}:${rule.number}<br /><span class="dim"
              >${rule.file}:${rule.line}</span
            >`,
          safe`<code>${rule.text.trim()}</code>`,
        ]),
      ),
    ),
  ]);
}

function causePart(cause: Cause, number: number, { left, right }: VerifyReport): Html {
  const { first } = cause;
  const texts = [cause.left.text, cause.right.text].filter((text) => text !== undefined);
  return safe`<h3>
      ${number}. ${count(cause.packets, 'packet')}: ${sideName(cause.left)} versus ${sideName(cause.right)}
    </h3>
    ${texts.map((text) => safe`<p><code>${text.trim()}</code></p>`)}
    <p>
      Differs in: ${cause.fields.join(', ')}. First: index ${first.index}, from ${first.interface ?? '?'}:
      <code>${first.packet}</code>
    </p>
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th>${left}</th>
            <th>${right}</th>
          </tr>
        </thead>
        <tbody>
          ${alignedSteps(cause).map(
            ([l, r]) =>
              safe`<tr class="${l === r ? 'same' : 'differs'}">
                <td>${l}</td>
                <td>${r}</td>
              </tr> `,
          )}
        </tbody>
      </table>
    </div> `;
}
