// Light things that every component may import. One export a line; heavy ones belong into server.ts.
export * from './generated/kinds.ts';
export * from './meta.ts';
// Named, because the generated Status types are looser: here they win.
export {
  ApiError,
  apiErrorFrom,
  errors,
  hasCause,
  isStatus,
  type NamedKind,
  type NamedResource,
  qualifiedKind,
  qualifiedResource,
  type Status,
  type StatusCause,
  type StatusDetails,
  type StatusReason,
  successStatus,
} from './errors.ts';
export * from './field-errors.ts';
export * from './helpers/index.ts';
export * from './indexer.ts';
export * from './names.ts';
export * from './quantity.ts';
export * from './selectors/index.ts';
