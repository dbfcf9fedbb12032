// SPDX-License-Identifier: Apache-2.0
// The model as text: YAML under a header that says where it comes from and what it leaves out, the rule's own text
// above each statement.
import { Document, isMap, isScalar, isSeq, visit, type YAMLMap } from 'yaml';
import { printable } from '../diagnostics/printable.js';
import type { Origin, PolicyModel } from './model.js';

export function renderPolicy(model: PolicyModel): string {
  const left = new Set(model.residue.flatMap(({ rules }) => rules)).size;
  const header = [
    `Policy model, inferred by ${model.generator} from ${model.sources.map(printable).join(', ')}.`,
    'A packet is allowed when every tier on its way allows it; in a tier the first statement that holds decides.',
    left === 0
      ? 'Residue: none.'
      : `Residue: ${left} rule${left === 1 ? '' : 's'} that no policy can state; see \`residue\`.`,
  ];
  const document = new Document(model, { aliasDuplicateObjects: false });
  visit(document, {
    Map(_, node) {
      if (node.has('kind')) node.flow = true;
      const rules = node.get('rules');
      if (isSeq(rules)) annotate(node, rules.items, model.origins);
    },
    Seq(_, node) {
      if (node.items.every(isScalar)) node.flow = true;
    },
  });
  return header.map((line) => `# ${line}\n`).join('') + document.toString({ lineWidth: 0 });
}

/** A statement stems from its last rule; residue from all of them. */
function annotate(node: YAMLMap, items: readonly unknown[], origins: PolicyModel['origins']): void {
  const ids = items.flatMap((item) => (isScalar(item) ? [String(item.value)] : []));
  const shown = node.has('action') ? ids.slice(-1) : ids;
  const lines = shown.map((id) => originLine(origins[id]!));
  const first = node.items[0]?.key;
  if (isMap(node) && isScalar(first)) node.commentBefore = lines.join('\n');
}

export function originLine({ file, line, rule, text }: Origin): string {
  return ` ${printable(file)}:${line} ${rule}: ${text}`;
}
