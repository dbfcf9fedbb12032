// SPDX-License-Identifier: Apache-2.0
// XDP attachment of the pinned program: one pinned link an interface, native where its driver has XDP, else generic
// (net/core/dev.c bpf_xdp_link_attach). It only drops early what TC drops as well: where it cannot be, nothing is
// lost but speed.
import { closeSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { EnvironmentError } from '../diagnostics/diagnostic.js';
import { linkXdp, pinnedObject, pinObject, updateElement, type XdpMode } from '../kernel/bpf.js';
import { Errno, errnoName, SystemCallError } from '../kernel/errno.js';
import { INTERFACE_SLOTS } from '../program/layout.js';
import type { LiveInterface } from './interfaces.js';
import { withMap } from './pins.js';
import { linkPin, PINS, programPin } from './places.js';

export const XDP_PROGRAM = 'ipt2ebpf_early';
const LINK = /^xdp_(\d+)$/;
/** The driver has no XDP, or not as the interface is set up now. */
const NO_NATIVE: readonly number[] = [Errno.EOPNOTSUPP, Errno.EINVAL];

/** Attaches wherever a link is missing. Returns what is to know of interfaces without it, or in generic mode. */
export function attachXdp(interfaces: readonly LiveInterface[]): string[] {
  const programFd = pinnedObject(programPin(XDP_PROGRAM));
  if (programFd === undefined) throw new EnvironmentError('no programs are pinned: nothing is loaded');
  try {
    forgetGone(interfaces);
    return interfaces
      .filter(({ linkType }) => linkType === 'ether')
      .flatMap((each) => {
        const why = attachInterface(programFd, each);
        return why === undefined ? [] : [`XDP on ${each.name}: ${why}`];
      });
  } finally {
    closeSync(programFd);
  }
}

function attachInterface(
  programFd: number,
  { index, station, carriesVlans }: LiveInterface,
): string | undefined {
  if (carriesVlans)
    return 'not there: a card may take the tags of VLAN frames away before XDP; TC decides all';
  if (station === undefined || index >= INTERFACE_SLOTS) return 'not there: TC decides all';
  withMap('stations', (fd) => {
    updateElement(fd, u32(index), station);
  });
  const pin = linkPin(`xdp_${String(index)}`);
  if (existsSync(pin)) return undefined;
  const trouble = (mode: XdpMode): number | undefined => {
    try {
      const link = linkXdp(programFd, index, mode);
      pinObject(link, pin);
      closeSync(link);
      return undefined;
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
      return error.errno;
    }
  };
  let errno = trouble('native');
  if (errno === undefined) return undefined;
  if (NO_NATIVE.includes(errno)) {
    errno = trouble('generic');
    if (errno === undefined) return 'in generic mode, which is slower: the driver has no XDP of its own';
  }
  const why = errno === Errno.EBUSY ? 'another XDP program is attached' : errnoName(errno);
  return `not there: ${why}; TC decides all`;
}

/** Pins of interfaces that are gone: numbers are not used again while the machine runs, but by name (`ip link`). */
function forgetGone(interfaces: readonly LiveInterface[]): void {
  const indexes = new Set(interfaces.map(({ index }) => index));
  for (const name of readdirSync(join(PINS, 'links'))) {
    const index = LINK.exec(name)?.[1];
    if (index !== undefined && !indexes.has(Number(index))) rmSync(linkPin(name));
  }
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
