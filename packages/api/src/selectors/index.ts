export * from './fields.ts';
export * from './fields-of.ts';
export * from './labels.ts';
