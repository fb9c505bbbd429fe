import { type ApiError, apiErrorFrom, errors } from '../errors.ts';
import { invalid } from '../field-errors.ts';

/**
 * A patch that is well formed but cannot be applied: a failed test, a missing path. As upstream the server
 * keeps the reason to itself: were it among the causes, kubectl would print it instead of the message.
 */
export function unprocessablePatch(why: string): ApiError {
  const error = apiErrorFrom({
    code: 422,
    reason: 'Invalid',
    message: 'the server rejected our request due to an error in our request',
    details: {},
  });
  error.cause = new Error(why);
  return error;
}

/** A strategic merge patch that does not fit the lists it is for. Upstream tells this one, as a 500. */
export function unmergeablePatch(why: string): ApiError {
  return apiErrorFrom({ code: 422, reason: 'Invalid', message: why, details: {} });
}

/** A patch whose outcome is no object of the kind. `text` is the patch as it was sent. */
export function invalidPatch(text: string, why: string): ApiError {
  return errors.invalid({ group: '', kind: '' }, '', [invalid('patch', text, why)]);
}
