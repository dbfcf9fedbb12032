// SPDX-License-Identifier: Apache-2.0
// What is wrong with a capture file, and where. A capture has no lines, so the place is a byte offset and a
// packet number, both said in the message; codes IPT0821 to IPT0825.
import { InputError } from '../../diagnostics/input-error.js';

export type CaptureFaultCode =
  /** Can't be opened or read: absent, a directory, no permission. */
  | 'IPT0821'
  /** No capture: unknown magic number, or an unknown version. */
  | 'IPT0822'
  /** A record or block contradicts the format. */
  | 'IPT0823'
  /** The file ends inside a record. */
  | 'IPT0824'
  /** The ingress list has no entry for a packet. */
  | 'IPT0825';

const HELP: Readonly<Record<CaptureFaultCode, string>> = {
  IPT0821: 'name a pcap or pcapng file, or `-` for standard input',
  IPT0822: 'captures are read as pcap or pcapng; `editcap -F pcapng in out` converts other formats',
  IPT0823: 'the packets before this place were read; capture again, or repair the file',
  IPT0824: 'the packets before this place were read; the capture was cut while it was written or copied',
  IPT0825: 'give one entry per packet, or an interface, or {"default", "by_source"}',
};

export interface CapturePlace {
  readonly file: string;
  /** From the start of the file. */
  readonly byteOffset?: number;
  /** 1-based number of the packet that could not be read, as packet analysers count. */
  readonly packetNumber?: number;
}

/** Thrown by the readers after every packet before the fault was handed out. */
export class CaptureFault extends InputError {
  constructor(
    readonly code: CaptureFaultCode,
    readonly place: CapturePlace,
    what: string,
  ) {
    const where = [
      place.file,
      ...(place.byteOffset === undefined ? [] : [`byte ${place.byteOffset}`]),
      ...(place.packetNumber === undefined ? [] : [`packet ${place.packetNumber}`]),
    ].join(', ');
    super([{ code, severity: 'error', message: `${where}: ${what}`, help: HELP[code] }]);
    this.name = 'CaptureFault';
  }
}
