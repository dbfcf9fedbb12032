#!/usr/bin/env -S node --import tsx
// SPDX-License-Identifier: Apache-2.0
// Runs the commands from source, without a build: for development.
import { readFileSync } from 'node:fs';
import { URL } from 'node:url';
import { settings } from '@oclif/core';
import { main } from '../src/cli/main.ts';

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
manifest.oclif.commands = './src/commands';
// tsx is at work already.
settings.enableAutoTranspile = false;
settings.debug = true;
await main(new URL('..', import.meta.url).href, manifest);
