/** Trains a session from a source of batches: schedule, prefetching, checkpoints, exact resume, a stop on NaN. */
@NullMarked
package org.knowcap.models.training;

import org.jspecify.annotations.NullMarked;
