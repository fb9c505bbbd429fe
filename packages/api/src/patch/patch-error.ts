import { type ApiError, apiErrorFrom, errors } from '../errors.ts';
import { invalid } from '../field-errors.ts';

/**
 * A patch that is well formed but cannot be applied: a failed test, a missing path. Upstream keeps the reason
 * to itself; we add it as a cause.
 */
export function unprocessablePatch(why: string): ApiError {
  return apiErrorFrom({
    code: 422,
    reason: 'Invalid',
    message: 'the server rejected our request due to an error in our request',
    details: { causes: [{ message: why }] },
  });
}

/** A patch whose outcome is no object of the kind. `text` is the patch as it was sent. */
export function invalidPatch(text: string, why: string): ApiError {
  return errors.invalid({ group: '', kind: '' }, '', [invalid('patch', text, why)]);
}
