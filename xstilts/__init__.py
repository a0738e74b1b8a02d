"""Which English intermediate training makes a multilingual encoder better in other languages?"""
