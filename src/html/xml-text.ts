// SPDX-License-Identifier: Apache-2.0
// Text inside markup that a strict XML parser and an HTML parser both read.

/** Text or an attribute in double quotes: markup escaped, characters that XML 1.0 can't have shown as `?`. */
export function xml(text: string): string {
  return (
    text
      // eslint-disable-next-line no-control-regex
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '?')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll('\n', '&#10;')
  );
}
