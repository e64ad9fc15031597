"""Parity: the same spec and bars through the simulated broker and through Alpaca's path, and a certificate of what differs and why.

Imports engine and below. The judge is the local Alpaca (`brokers.local_alpaca`), which knows nothing of our brokers.
"""

from checks.parity.certificate import Certificate
from checks.parity.certificate_page import write
from checks.parity.certify import Sides, certify
from checks.parity.differences import KINDS, Difference, Verdict
from checks.parity.injection import Injection

__all__ = ["KINDS", "Certificate", "Difference", "Injection", "Sides", "Verdict", "certify", "write"]
