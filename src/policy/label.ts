// SPDX-License-Identifier: Apache-2.0
// The model with labels in place of the addresses that an inventory covers exactly.
import type { AddressRange } from '../net/address.js';
import type { Family } from '../net/family.js';
import type { Inventory } from './inventory.js';
import { LabelBook } from './labels.js';
import type { Addresses, Condition, FamilyPolicy, PolicyModel } from './model.js';
import { addressWord, mergeAddresses, parseAddressWord } from './words.js';

export function labelPolicy(model: PolicyModel, inventory: Inventory): PolicyModel {
  const book = new LabelBook(inventory);
  return {
    ...model,
    families: model.families.map((policy) => labelFamily(policy, book)),
    inventory: inventory.entries,
  };
}

function labelFamily(policy: FamilyPolicy, book: LabelBook): FamilyPolicy {
  const each = (conditions: readonly Condition[]): Condition[] =>
    conditions.map((condition) => labelCondition(condition, policy.family, book));
  return {
    ...policy,
    tiers: policy.tiers.map((tier) => ({
      ...tier,
      statements: tier.statements.map((statement) => ({
        ...statement,
        when: each(statement.when),
        ...(statement.except && { except: each(statement.except) }),
      })),
    })),
    lists: Object.fromEntries(
      Object.entries(policy.lists).map(([name, conditions]) => [name, each(conditions)]),
    ),
  };
}

function labelCondition(condition: Condition, family: Family, book: LabelBook): Condition {
  const { source, destination } = condition;
  return {
    ...condition,
    ...(source && { source: labelAddresses(source, family, book) }),
    ...(destination && { destination: labelAddresses(destination, family, book) }),
  };
}

function labelAddresses(addresses: Addresses, family: Family, book: LabelBook): Addresses {
  const isIn = 'in' in addresses;
  const words = isIn ? addresses.in : addresses.notIn;
  const ranges = mergeAddresses(words.map((word) => parseAddressWord(word, family)!));
  const { selectors, rest } = book.describe({ [family]: ranges });
  if (selectors.length === 0) return addresses;
  const left = rest[family]!.map((range: AddressRange) => addressWord(range, family));
  return isIn ? { in: left, labels: selectors } : { notIn: left, labels: selectors };
}
