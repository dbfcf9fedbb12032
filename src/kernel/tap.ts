// SPDX-License-Identifier: Apache-2.0
// TAP devices: writing a frame to the descriptor makes it arrive on the interface, handled by the network
// stack before write(2) returns. Documentation/networking/tuntap.rst.
import { openSync } from 'node:fs';
import { EnvironmentError } from '../diagnostics/diagnostic.js';
import { ioctl, writeOnce } from './libc.js';
import type { Namespace } from './namespace.js';

const TUNSETIFF = 0x400454ca;
const IFF_TAP = 0x0002;
const IFF_NO_PI = 0x1000;
const IFNAMSIZ = 16;
const IFREQ_BYTES = 40;

/** One TAP device; lives as long as its namespace. */
export class Tap {
  private constructor(
    readonly name: string,
    private readonly fd: number,
  ) {}

  static open(namespace: Namespace, name: string): Tap {
    if (Buffer.byteLength(name) >= IFNAMSIZ) {
      throw new EnvironmentError(`interface name \`${name}\` is longer than 15 bytes`);
    }
    const request = Buffer.alloc(IFREQ_BYTES);
    request.write(name, 'latin1');
    request.writeUInt16LE(IFF_TAP | IFF_NO_PI, IFNAMSIZ);
    return namespace.inside(() => {
      let fd: number;
      try {
        fd = namespace.keep(openSync('/dev/net/tun', 'r+'));
      } catch (error) {
        throw new EnvironmentError(
          'TAP devices are not available (/dev/net/tun cannot be opened)',
          ['load the driver: modprobe tun'],
          { cause: error },
        );
      }
      ioctl(fd, TUNSETIFF, request, `TUNSETIFF ${name}`);
      return new Tap(name, fd);
    });
  }

  /** Lets a frame arrive; 0, or the positive errno where the device refuses it (EINVAL: under 14 bytes). */
  inject(frame: Uint8Array): number {
    return writeOnce(this.fd, frame);
  }
}
