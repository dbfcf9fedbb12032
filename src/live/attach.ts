// SPDX-License-Identifier: Apache-2.0
// Attaches what is pinned wherever it is missing: at the first load, at later ones, and when an interface is born.
import { EnvironmentError } from '../diagnostics/diagnostic.js';
import type { Host } from '../host/host.js';
import type { InterfaceIds } from '../model/model.js';
import { attachTc, tcProgramIds } from './attach-tc.js';
import { numberInterfaces, readInterfaces } from './interfaces.js';
import { withMap } from './pins.js';

export interface Attached {
  /** All interfaces, with addresses. */
  readonly host: Pick<Host, 'interfaces'>;
  /** All that programs are attached to now. */
  readonly interfaces: readonly string[];
  /** Those among them that were not before. */
  readonly added: readonly string[];
  /** Why an interface that iptables judges has none, as sentences. */
  readonly bare: readonly string[];
}

export function attachMissing(ids: InterfaceIds): Attached {
  const programs = tcProgramIds();
  if (programs === undefined) throw new EnvironmentError('no programs are pinned: nothing is loaded');
  const { host, judged, unreadable } = readInterfaces();
  const beyond = withMap('interfaces', (fd) => numberInterfaces(fd, judged, ids));
  const bare = [
    ...unreadable.map(({ name, linkType }) => `${name} has no Ethernet header (${linkType})`),
    ...beyond.map(
      ({ name, index }) => `${name} has number ${String(index)}, programs know those below 65536`,
    ),
  ];
  const interfaces: string[] = [];
  const added: string[] = [];
  for (const each of judged) {
    if (beyond.includes(each)) continue;
    try {
      if (attachTc(each.name, programs)) added.push(each.name);
      interfaces.push(each.name);
    } catch (error) {
      if (!(error instanceof EnvironmentError)) throw error;
      // Gone since it was listed, or it takes no program.
      bare.push(`${each.name}: ${error.message}`);
    }
  }
  return { host, interfaces, added, bare };
}
