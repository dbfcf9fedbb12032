// SPDX-License-Identifier: Apache-2.0
// The model as text: YAML under a header that says where it comes from and what it leaves out.
import { stringify } from 'yaml';
import { printable } from '../diagnostics/printable.js';
import type { PolicyModel } from './model.js';

export function renderPolicy(model: PolicyModel): string {
  const left = new Set(model.residue.flatMap(({ rules }) => rules)).size;
  const header = [
    `Policy model, inferred by ${model.generator} from ${model.sources.map(printable).join(', ')}.`,
    'A packet is allowed when every tier on its way allows it; in a tier the first statement that holds decides.',
    left === 0
      ? 'Residue: none.'
      : `Residue: ${left} rule${left === 1 ? '' : 's'} that no policy can state; see \`residue\`.`,
  ];
  return (
    header.map((line) => `# ${line}\n`).join('') +
    stringify(model, { lineWidth: 0, aliasDuplicateObjects: false })
  );
}
