import { errors } from '@kubelab/api';

/** Where the next page of a list starts, and as of which revision. */
export interface ContinueToken {
  readonly revision: number;
  /** The first key (`namespace/name`) not yet given. */
  readonly start: string;
}

const KEY_LENGTH_MAX = 1024;

export function encodeContinue({ revision, start }: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, start })).toString('base64url');
}

export function decodeContinue(token: string): ContinueToken {
  try {
    const parsed = JSON.parse(Buffer.from(token, 'base64url').toString()) as Record<string, unknown>;
    const { v, rv, start } = parsed;
    const isSound =
      v === 'meta.k8s.io/v1' &&
      typeof rv === 'number' &&
      Number.isSafeInteger(rv) &&
      rv > 0 &&
      typeof start === 'string' &&
      start !== '' &&
      start.length <= KEY_LENGTH_MAX;
    if (isSound) return { revision: rv, start };
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
  }
  throw errors.badRequest('continue key is not valid');
}
