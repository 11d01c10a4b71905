/** Parameters and training state in files: safetensors, and checkpoints made of them. */
@NullMarked
package org.knowcap.models.checkpoint;

import org.jspecify.annotations.NullMarked;
