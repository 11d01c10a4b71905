/** Tests of how NVIDIA's libraries are found. */
package org.knowcap.models.engine.cuda.driver;
