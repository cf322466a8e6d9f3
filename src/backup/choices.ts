/** The words a user chooses among, without the schemas: the command line knows them before it loads those. */

export const BACKUP_METHODS = ['snapshot', 'mirror'] as const;
/** Which images stay when a run is over: `disk` the first one, too; `tape` and `array` only the copy. */
export const BACKUP_CLASSES = ['disk', 'tape', 'array'] as const;
/** Begins a line of `check` that tells why a run would fail. */
export const CANNOT = 'cannot: ';
/** When the copy on the second medium begins, after a split ([001], [002]). */
export const BACKUP_POLICIES = ['copy-first', 'wait', 'merge', 'parallel', 'server-polls'] as const;
export const KEEP_PERIODS = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
export const PLACE_KINDS = ['snapshot', 'mirror', 'tape', 'array'] as const;

/**
 * Of a backup. `modified`: the image was written to since. `missing`: neither volume nor medium is there, or not of this
 * backup any more. `damaged`: a verification failed. None of these is dropped before somebody deletes it.
 */
export const ENTRY_STATES = ['good', 'modified', 'missing', 'damaged'] as const;
