// SPDX-License-Identifier: Apache-2.0
// Attaches what is pinned wherever it is missing: at the first load, at later ones, and when an interface is born.
import { EnvironmentError } from '../diagnostics/diagnostic.js';
import type { Host } from '../host/host.js';
import type { Model } from '../model/model.js';
import type { AttachKind } from '../program/attach-kind.js';
import { attachNetfilter } from './attach-netfilter.js';
import { attachTc, tcProgramIds } from './attach-tc.js';
import { attachXdp } from './attach-xdp.js';
import { numberInterfaces, readInterfaces, type LiveInterface } from './interfaces.js';
import { withMap } from './pins.js';

export interface Attached {
  /** All interfaces, with addresses. */
  readonly host: Pick<Host, 'interfaces'>;
  /** All whose packets are judged now. */
  readonly interfaces: readonly string[];
  /** Why an interface that iptables judges is not among them, as sentences. */
  readonly bare: readonly string[];
  /** What else is to know of how they are attached, as sentences. */
  readonly notes: readonly string[];
}

/** Kinds that `load` attaches. */
export const LOADED_KINDS: readonly AttachKind[] = ['tc', 'netfilter', 'xdp'];

export function attachMissing(model: Model, kinds: readonly AttachKind[]): Attached {
  const { host, judged, unreadable } = readInterfaces();
  const isTc = kinds.includes('tc');
  // On netfilter hooks a packet has no Ethernet header, whatever it came by.
  const wanted = isTc ? judged : [...judged, ...unreadable];
  const beyond = withMap('interfaces', (fd) => numberInterfaces(fd, wanted, model.interfaces));
  const bare = [
    ...(isTc ? unreadable : []).map(({ name, linkType }) => `${name} has no Ethernet header (${linkType})`),
    ...beyond.map(
      ({ name, index }) => `${name} has number ${String(index)}, programs know those below 65536`,
    ),
  ];
  const known = wanted.filter((each) => !beyond.includes(each));
  if (kinds.includes('netfilter')) attachNetfilter(model);
  const interfaces = isTc ? attachAll(known, bare) : known.map(({ name }) => name);
  // Behind TC: what XDP passes on is decided there.
  const notes = kinds.includes('xdp') ? attachXdp(known) : [];
  return { host, interfaces, bare, notes };
}

/** Names of those that carry our filters now; `bare` hears why the others do not. */
function attachAll(interfaces: readonly LiveInterface[], bare: string[]): string[] {
  const programs = tcProgramIds();
  if (programs === undefined) throw new EnvironmentError('no programs are pinned: nothing is loaded');
  return interfaces
    .map(({ name }) => name)
    .filter((name) => {
      try {
        attachTc(name, programs);
        return true;
      } catch (error) {
        if (!(error instanceof EnvironmentError)) throw error;
        // Gone since it was listed, or it takes no program.
        bare.push(`${name}: ${error.message}`);
        return false;
      }
    });
}
