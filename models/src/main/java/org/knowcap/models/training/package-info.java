/** Trains a session from a source of batches: schedule, prefetching, checkpoints, exact resume, a stop on NaN. */
package org.knowcap.models.training;
