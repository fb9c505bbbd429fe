export * from './conditions.ts';
export type * from './deep-readonly.ts';
export * from './int-or-percent.ts';
export * from './object-key.ts';
export * from './owners.ts';
export * from './pod-resources.ts';
export * from './pods.ts';
export * from './semantic-equal.ts';
export * from './template-hash.ts';
