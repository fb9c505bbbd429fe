// Light things that every component may import. One export a line; heavy ones belong into server.ts.
export * from './generated/kinds.ts';
export * from './meta.ts';
