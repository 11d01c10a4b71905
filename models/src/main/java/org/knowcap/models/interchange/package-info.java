/**
 * Models in the files of other programs. For each class of Hugging Face's transformers, one definition serves export
 * and import: it has the content of config.json, and says where each element of the class's tensors is in Knowcap's
 * tensors.
 */
@NullMarked
package org.knowcap.models.interchange;

import org.jspecify.annotations.NullMarked;
