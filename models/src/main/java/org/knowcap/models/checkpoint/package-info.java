/** Parameters and training state in files: safetensors, and checkpoints made of them. */
package org.knowcap.models.checkpoint;
