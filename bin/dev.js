#!/usr/bin/env -S node --import tsx
// SPDX-License-Identifier: Apache-2.0
// Runs the commands from source, without a build: for development.
import { settings } from '@oclif/core';
import { main } from '../src/cli/main.ts';

process.env.NODE_ENV = 'development';
settings.debug = true;
await main(import.meta.url);
