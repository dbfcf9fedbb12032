// SPDX-License-Identifier: Apache-2.0
// Text of a dump for people's eyes. Dumps are read one character a byte (Latin-1), and whoever wrote a rule's
// comment may have meant to move the cursor, colour the line or hide what follows.

/** Runs of bytes above ASCII, which may be UTF-8. */
const HIGH_BYTES = /[\u0080-\u00ff]+/g;

/** C0 and C1 controls, line and paragraph separators, marks that change the direction of writing. */
// eslint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * One line of `text` as it is meant to be read: bytes that are UTF-8 are shown as the characters they stand
 * for, other bytes as Latin-1, and what could control a terminal as dots.
 */
export function printable(text: string): string {
  return text.replace(HIGH_BYTES, decoded).replace(CONTROLS, '.');
}

function decoded(bytes: string): string {
  try {
    return utf8.decode(Buffer.from(bytes, 'latin1'));
  } catch {
    return bytes;
  }
}
