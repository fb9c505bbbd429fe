export { complete } from './complete.ts';
export { type Conformed, conform } from './conform.ts';
export { DecodeError } from './decode-error.ts';
export { type Definition, definitionNames, definitionOf, type Field, hasDefinition } from './table.ts';
export { isObject } from './values.ts';
