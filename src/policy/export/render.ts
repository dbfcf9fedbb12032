// SPDX-License-Identifier: Apache-2.0
// Exported policies as YAML that can be applied: documents under a header with what must hold where they are applied
// and what they do not say; the text of the rules above each element.
import { Document, isMap, isScalar, isSeq, visit, type Node } from 'yaml';
import { printable } from '../../diagnostics/printable.js';
import { originLine } from '../render.js';
import type { Effect, ExportResidue, Manifest, PolicyExport } from './target.js';
import type { Trace } from './target.js';

const EFFECTS: Readonly<Record<Effect, string>> = {
  opens: 'denied by the rules, and may pass here',
  closes: 'allowed by the rules, and may be denied here',
  either: 'may be decided otherwise here',
  silent: 'denied as by the rules, without the answer that REJECT sends',
  aside: 'decided as by the rules, which do more to the packet',
};

const KINDS = { cilium: 'Cilium policies', kubernetes: 'NetworkPolicy', calico: 'Calico policies' } as const;

/** Elements under so many rules name the first of them. */
const MOST_LINES = 12;

export function renderExport(exported: PolicyExport): string {
  const { manifests, traces, generator, sources, format, assumptions } = exported;
  const header = [
    `${KINDS[format]}, written by ${generator} from ${sources.map(printable).join(', ')}.`,
    ...(manifests.length === 0 ? ['Nothing is denied, so that there is nothing to apply.'] : []),
    '',
    'What must hold where they are applied:',
    ...assumptions.map((line) => `- ${line}`),
    '',
    ...residueLines(exported),
  ];
  const documents = manifests.map((manifest, i) => renderManifest(manifest, traces[i] ?? [], exported));
  return (
    header.map((line) => `#${line === '' ? '' : ` ${line}`}\n`).join('') +
    documents.map((text) => `---\n${text}`).join('')
  );
}

/** One line for the terminal. */
export function summaryOf({ residue, manifests }: PolicyExport): string {
  const objects = `${manifests.length} object${manifests.length === 1 ? '' : 's'}`;
  const counts = (['opens', 'closes', 'either', 'silent', 'aside'] as const).flatMap((effect) => {
    const rules = residue.filter((one) => one.effect === effect);
    const open = rules.filter(({ waivedBy }) => waivedBy === undefined);
    const waived = rules.length - open.length;
    if (rules.length === 0) return [];
    return [
      `${rules[0]!.code} ${EFFECTS[effect]}: ${open.length}${waived > 0 ? ` (and ${waived} waived)` : ''}`,
    ];
  });
  return [
    `${objects}; residue: ${counts.length === 0 ? 'none' : ''}`.trimEnd(),
    ...counts.map((line) => `  ${line}`),
  ].join('\n');
}

function residueLines({ residue, origins }: PolicyExport): string[] {
  if (residue.length === 0) return ['Residue: none.'];
  const groups = new Map<string, ExportResidue[]>();
  for (const one of residue) {
    const key = JSON.stringify([one.code, one.why]);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [
    'Residue, what these policies do not say:',
    ...[...groups.values()].flatMap((group) => {
      const [{ code, effect, why }] = group as [ExportResidue];
      const lines = group.map((one) => `    ${placeOf(one, origins)}${whereOf(one)}`);
      return [`- ${code}, ${EFFECTS[effect]}: ${printable(why)}`, ...new Set(lines)];
    }),
  ];
}

function placeOf({ rules, tier }: ExportResidue, origins: PolicyExport['origins']): string {
  const id = rules[rules.length - 1];
  if (id !== undefined) return originLine(origins[id]!).trimStart();
  const [family, table, hook] = tier.split(' ');
  return `${table}/${hook} (${family}): the chain's policy`;
}

function whereOf({ paths, states, interfaces, waivedBy, effect }: ExportResidue): string {
  const parts = [
    ...(effect === 'silent' || effect === 'aside' ? [] : [`${paths.join(', ')}; ${states.join(', ')}`]),
    ...(interfaces === undefined ? [] : [`on ${interfaces.join(', ')}`]),
    ...(waivedBy === undefined ? [] : [`waived by ${waivedBy}`]),
  ];
  return parts.length === 0 ? '' : ` [${parts.join('; ')}]`;
}

function renderManifest(manifest: Manifest, traces: readonly Trace[], { origins }: PolicyExport): string {
  const document = new Document(manifest, { aliasDuplicateObjects: false });
  for (const { list, index, rules } of traces) {
    const node = document.getIn(['spec', list, index], true) as Node | undefined;
    if (node === undefined) continue;
    const lines = rules.slice(0, MOST_LINES).map((id) => originLine(origins[id]!));
    if (rules.length > MOST_LINES) lines.push(` and ${rules.length - MOST_LINES} more rules`);
    node.commentBefore = lines.join('\n');
  }
  visit(document, {
    Map(_, node) {
      if (
        node.items.every(({ value }) => isScalar(value)) &&
        node.items.length <= 3 &&
        node.commentBefore == null
      )
        node.flow = !isTop(node, document);
    },
    Seq(_, node) {
      if (node.items.every(isScalar)) node.flow = node.items.length <= 8;
    },
  });
  return document.toString({ lineWidth: 0 });
}

/** `metadata` and `spec` stay open, as people write them. */
function isTop(node: unknown, document: Document): boolean {
  return (
    isMap(document.contents) && document.contents.items.some(({ value }) => value === node && !isSeq(value))
  );
}
