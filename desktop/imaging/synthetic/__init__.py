"""Films nobody had taken, for the demo clinic: marked in the pixels and in the tags, never used for training or for
any figure.

pydicom and Pillow are imported only when a film is drawn.
"""

from desktop.imaging.synthetic.anatomy import Opacity
from desktop.imaging.synthetic.dicom_file import demo_film

__all__ = ["Opacity", "demo_film"]
