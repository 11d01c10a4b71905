/**
 * Models as other programs keep them: for each class of Hugging Face's transformers what its config.json says and where
 * each of its tensors' elements lies among ours, one definition for both directions.
 */
@NullMarked
package org.knowcap.models.interchange;

import org.jspecify.annotations.NullMarked;
