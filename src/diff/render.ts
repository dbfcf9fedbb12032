// SPDX-License-Identifier: Apache-2.0
// Report formats by name: `--report FORMAT[=FILE]`.
import { renderGithub, renderJunit } from './render-ci.js';
import { renderHtml } from './render-html.js';
import { renderReport, type TextOptions } from './render-text.js';
import type { VerifyReport } from './report.js';

export const REPORT_FORMATS = ['text', 'json', 'junit', 'github', 'html'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

export interface ReportRequest {
  readonly format: ReportFormat;
  /** Standard output without one. */
  readonly file?: string;
}

/** Undefined when the text names no format. */
export function parseReportRequest(text: string): ReportRequest | undefined {
  const equals = text.indexOf('=');
  const name = equals < 0 ? text : text.slice(0, equals);
  const format = REPORT_FORMATS.find((each) => each === name);
  if (format === undefined || equals === text.length - 1) return undefined;
  return equals < 0 ? { format } : { format, file: text.slice(equals + 1) };
}

export function render(report: VerifyReport, format: ReportFormat, options: TextOptions): string {
  switch (format) {
    case 'text':
      return renderReport(report, options);
    case 'json':
      return JSON.stringify(report, null, 2) + '\n';
    case 'junit':
      return renderJunit(report);
    case 'github':
      return renderGithub(report);
    case 'html':
      return renderHtml(report);
  }
}
