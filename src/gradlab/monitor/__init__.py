"""A monitor for your own training: what is wrong, since which step, in which layer, and what to try."""

from gradlab.monitor.diagnosis import Diagnosis, Event
from gradlab.monitor.recorder import GradMonitor
from gradlab.monitor.replay.location import Location
from gradlab.monitor.replay.source import locate_nonfinite

__all__ = ["Diagnosis", "Event", "GradMonitor", "Location", "locate_nonfinite"]
