// SPDX-License-Identifier: Apache-2.0
// The names that rules may use for numbers, from the tables beside this file.
import type { NameServices } from '../ruleset/extension.js';
import { protocolName, protocolNumber } from './protocols.js';
import { servicePort } from './services.js';

export const DEBIAN_NAMES: NameServices = {
  protocol: protocolNumber,
  protocolName,
  service: servicePort,
};
